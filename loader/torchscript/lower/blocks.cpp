#include "loader/torchscript/lower/blocks.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "loader/core/error.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/open_lists.h"

namespace pp::ts {

namespace {

/// Values that the blocks read but do not define, in order of first use.
std::vector<ir::ValueId> captured_values(
    const std::vector<BlockDraft>& blocks) {
  std::vector<ir::ValueId> out;
  for (const BlockDraft& block : blocks) {
    std::set<ir::ValueId> defined(block.inputs.begin(), block.inputs.end());
    const auto read = [&](ir::ValueId id) {
      if (!defined.contains(id) && std::ranges::find(out, id) == out.end()) {
        out.push_back(id);
      }
    };
    for (const ir::Node& node : block.nodes) {
      std::ranges::for_each(ir::reads_of(node), read);
      const auto defines = ir::defines_of(node);
      defined.insert(defines.begin(), defines.end());
    }
    for (const ir::Arg& output : block.outputs) {
      ir::for_each_ref(output, read);
    }
  }
  return out;
}

/// Turns a block into a graph of its own, in which values get new ids.
class Extraction {
 public:
  explicit Extraction(const ir::Graph& around) : around_(around) {}

  ir::SubGraph run(
      const BlockDraft& block, const std::vector<ir::ValueId>& captures) {
    for (const auto* ids : {&block.inputs, &captures}) {
      for (const ir::ValueId id : *ids) {
        const ir::ValueId inner = inner_id(id);
        out_.inputs.push_back(
            {.name = out_.values[static_cast<size_t>(inner)].name,
             .value = inner,
             .keyword = false});
      }
    }
    for (ir::Node node : block.nodes) {
      for (ir::NamedArg& input : node.inputs) {
        renumber(input.arg);
      }
      for (ir::NodeOutput& output : node.outputs) {
        for (ir::ValueId& id : output.ids) {
          id = id == ir::kNoValue ? id : inner_id(id);
        }
      }
      out_.nodes.push_back(std::move(node));
    }
    for (ir::Arg output : block.outputs) {
      renumber(output);
      out_.outputs.push_back(
          {"output_" + std::to_string(out_.outputs.size()), std::move(output)});
    }
    return {block.name, std::make_shared<const ir::Graph>(std::move(out_))};
  }

 private:
  void renumber(ir::Arg& arg) {
    ir::for_each_ref(arg, [&](ir::ValueId& id) { id = inner_id(id); });
  }
  ir::ValueId inner_id(ir::ValueId id) {
    const auto [found, added] = inner_ids_.try_emplace(id, ir::kNoValue);
    if (added) {
      found->second =
          ir::add_value(out_, around_.values[static_cast<size_t>(id)]);
    }
    return found->second;
  }

  const ir::Graph& around_;
  ir::Graph out_;
  std::map<ir::ValueId, ir::ValueId> inner_ids_;
};

}  // namespace

void open_block(Lowering& lowering, BlockKind kind) {
  lowering.outer_blocks.push_back(
      {.nodes = std::move(lowering.graph.nodes),
       .open_nodes = std::move(lowering.open_nodes),
       .has_branch = kind == BlockKind::BranchSide});
  lowering.graph.nodes.clear();
  lowering.open_nodes.clear();
}

std::vector<ir::Node> close_block(Lowering& lowering) {
  check(!lowering.outer_blocks.empty(), "a block is open");
  drop_open_nodes(lowering);
  std::vector<ir::Node> nodes = std::move(lowering.graph.nodes);
  lowering.graph.nodes = std::move(lowering.outer_blocks.back().nodes);
  lowering.open_nodes = std::move(lowering.outer_blocks.back().open_nodes);
  lowering.outer_blocks.pop_back();
  return nodes;
}

void add_control_flow(
    Lowering& lowering,
    std::string_view target,
    const std::vector<ir::Arg>& conditions,
    const std::vector<ir::Arg>& operands,
    const std::vector<BlockDraft>& blocks,
    const std::vector<GraphValue>& results) {
  ir::Node node;
  node.target = target;
  const auto add = [&](ir::Arg arg) {
    node.inputs.push_back({"", std::move(arg), false});
  };
  std::ranges::for_each(conditions, add);
  const std::vector<ir::ValueId> captures = captured_values(blocks);
  for (const BlockDraft& block : blocks) {
    add({Extraction(lowering.graph).run(block, captures)});
  }
  std::ranges::for_each(operands, add);
  for (const ir::ValueId id : captures) {
    add({ir::Ref{id}});
  }
  for (const GraphValue& result : results) {
    node.outputs.push_back({{result.id}, false});
  }
  if (results.empty()) {
    node.name = lowering.names.make(ir::operator_parts(target).name);
  }
  add_node(lowering, std::move(node));
}

}  // namespace pp::ts
