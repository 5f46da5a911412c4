#include "loader/torchscript/lower/run.h"

#include <string>

#include <torch/csrc/jit/api/function_impl.h>

#include "loader/core/error.h"
#include "loader/torchscript/lower/limits.h"
#include "loader/torchscript/lower/node_table.h"

namespace pp::ts {

std::string python_name(const c10::ClassType& type) {
  std::string out;
  if (!type.name()) {
    return out;
  }
  for (const std::string& atom : type.name()->atoms()) {
    if (atom != "__torch__" && !atom.starts_with("___torch_mangle_")) {
      out += (out.empty() ? "" : ".") + atom;
    }
  }
  return out;
}

Item lower_forward(
    Lowering& lowering, const torch::jit::Module& module, const Items& inputs) {
  const auto object = module._ivalue();
  lowering.modules = {{"", "", python_name(*object->type())}};
  Items arguments{Item{Instance{object, ""}}};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  const Items results = lower_function(
      lowering, module.get_method("forward").function(), arguments);
  check(results.size() == 1, "forward returns one value");
  return results.front();
}

Items lower_function(
    Lowering& lowering, torch::jit::Function& function, const Items& inputs) {
  auto* code = torch::jit::tryToGraphFunction(function);
  if (code == nullptr) {
    throw input_error(
        lowering.where + ": '" + function.qualname().qualifiedName() +
        "' is not a TorchScript function");
  }
  if (++lowering.call_depth > kMaxCallDepth) {
    throw input_error(
        lowering.where + ": function calls are nested more than " +
        std::to_string(kMaxCallDepth) + " deep");
  }
  const auto graph = code->graph();
  check(graph->inputs().size() == inputs.size(), "an item for each input");
  CodeValues values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    values[graph->inputs()[i]] = inputs[i];
  }
  lower_block(lowering, *graph->block(), values);
  --lowering.call_depth;
  return block_outputs(*graph->block(), values);
}

void lower_block(
    Lowering& lowering, const torch::jit::Block& block, CodeValues& values) {
  for (const torch::jit::Node* node : block.nodes()) {
    lowering.steps.add(1);
    const Items results = lower_node(lowering, *node, values);
    if (node->outputs().size() > results.size()) {
      refuse(
          lowering,
          *node,
          "only " + std::to_string(results.size()) + " of its " +
              std::to_string(node->outputs().size()) + " results " +
              (results.size() == 1 ? "is known" : "are known"));
    }
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      values[node->outputs()[i]] = results[i];
    }
    if (lowering.graph.nodes.size() > kMaxNodes) {
      refuse(
          lowering,
          *node,
          "the graph would have more than " + std::to_string(kMaxNodes) +
              " nodes");
    }
  }
}

Items block_outputs(const torch::jit::Block& block, const CodeValues& values) {
  Items out;
  for (const torch::jit::Value* output : block.outputs()) {
    out.push_back(values.at(output));
  }
  return out;
}

}  // namespace pp::ts
