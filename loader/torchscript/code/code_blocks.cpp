#include "loader/torchscript/code/code_blocks.h"

#include <utility>

#include "loader/torchscript/code/code_nodes.h"

namespace pp::ts {

namespace {

using torch::jit::Value;

/// The parts of a control-flow node. A branch has one condition; a loop has two
/// (the maximum number of iterations, and whether to run the first one) and
/// carries its first `num_carried` operands.
struct ControlFlow {
  std::vector<const ir::Graph*> blocks;
  std::vector<Value*> conditions;
  std::vector<Value*> operands;
  bool is_loop = false;
  size_t num_carried = 0;
};

ControlFlow read_control_flow(CodeDraft& draft, const ir::Node& node) {
  ControlFlow out;
  out.is_loop = node.target == "prim::Loop";
  out.num_carried = out.is_loop ? node.outputs.size() : 0;
  const size_t num_conditions = out.is_loop ? 2 : 1;
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      out.blocks.push_back(sub->graph.get());
      continue;
    }
    auto& list =
        out.conditions.size() < num_conditions ? out.conditions : out.operands;
    list.push_back(to_code_value(draft, input.arg, nullptr));
  }
  return out;
}

/// The values of a block's inputs. In the code, only a loop's iteration number
/// and carried values are inputs of the block; it reads all other values from
/// the enclosing code directly.
std::vector<Value*> block_values(
    torch::jit::Block& block,
    const ir::Graph& graph,
    const ControlFlow& control) {
  std::vector<Value*> values(graph.values.size(), nullptr);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto id = static_cast<size_t>(graph.inputs[i].value);
    if (control.is_loop && i <= control.num_carried) {
      values[id] = block.addInput();
      values[id]->setType(code_type(graph.values[id].type));
    } else {
      values[id] = control.operands.at(control.is_loop ? i - 1 : i);
    }
  }
  return values;
}

void add_code_block(
    CodeDraft& draft,
    torch::jit::Block& block,
    const ir::Graph& graph,
    const ControlFlow& control) {
  std::vector<Value*> values = block_values(block, graph, control);
  const torch::jit::WithInsertPoint inside(&block);
  const ir::Graph* outer = std::exchange(draft.graph, &graph);
  draft.values.swap(values);
  for (const ir::Node& node : graph.nodes) {
    add_code_node(draft, node);
  }
  for (const ir::Output& output : graph.outputs) {
    block.registerOutput(to_code_value(draft, output.value, nullptr));
  }
  draft.values.swap(values);
  draft.graph = outer;
}

}  // namespace

void add_code_control_flow(CodeDraft& draft, const ir::Node& node) {
  const ControlFlow control = read_control_flow(draft, node);
  std::vector<Value*> inputs = control.conditions;
  inputs.insert(
      inputs.end(),
      control.operands.begin(),
      control.operands.begin() + static_cast<ptrdiff_t>(control.num_carried));
  torch::jit::Node* added =
      insert_code_node(draft, node.target, inputs, node.outputs.size());
  for (const ir::Graph* block : control.blocks) {
    add_code_block(draft, *added->addBlock(), *block, control);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ir::ValueId id = node.outputs[i].ids.at(0);
    added->outputs()[i]->setType(code_type(draft.type_of(id)));
    draft.value(id) = added->outputs()[i];
  }
}

}  // namespace pp::ts
