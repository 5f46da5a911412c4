#include "loader/torchscript/dead_nodes.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "loader/ir/edit.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

/// For each value: whether it is an input, a state or an output of the graph.
std::vector<bool> live_values(const ir::Graph& graph) {
  std::vector<bool> live(graph.values.size(), false);
  const auto mark = [&](ir::ValueId id) {
    live[static_cast<size_t>(id)] = true;
  };
  for (const ir::Input& input : graph.inputs) {
    mark(input.value);
  }
  for (const ir::State& state : graph.states) {
    mark(state.value);
  }
  for (const ir::Output& output : graph.outputs) {
    ir::for_each_ref(output.value, mark);
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    mark(mutation.value);
  }
  return live;
}

/// The parts of a branch or loop that are edited together.
struct ControlFlowParts {
  std::vector<ir::Graph> blocks;
  std::vector<size_t> operands;  ///< positions among the node's inputs
};

ControlFlowParts copy_parts(const ir::Node& node) {
  ControlFlowParts parts;
  const size_t num_conditions = node.target == "prim::Loop" ? 2 : 1;
  for (size_t i = num_conditions; i < node.inputs.size(); ++i) {
    if (const auto* sub =
            std::get_if<ir::SubGraph>(&node.inputs[i].arg.value)) {
      parts.blocks.push_back(*sub->graph);
    } else {
      parts.operands.push_back(i);
    }
  }
  return parts;
}

template <class T>
void erase_at(std::vector<T>& items, size_t position) {
  items.erase(items.begin() + static_cast<ptrdiff_t>(position));
}

void drop_unread_results(
    ir::Node& branch,
    std::vector<ir::Graph>& blocks,
    const std::vector<bool>& live) {
  for (size_t i = branch.outputs.size(); i-- > 0;) {
    const ir::ValueId id = branch.outputs[i].ids.front();
    if (id == ir::kNoValue || !live[static_cast<size_t>(id)]) {
      erase_at(branch.outputs, i);
      for (ir::Graph& block : blocks) {
        erase_at(block.outputs, i);
      }
    }
  }
}

/// For each value of a block: whether the block reads it.
std::vector<bool> read_values(const ir::Graph& block) {
  std::vector<bool> read(block.values.size(), false);
  const auto mark = [&](ir::ValueId id) {
    read[static_cast<size_t>(id)] = true;
  };
  for (const ir::Node& node : block.nodes) {
    std::ranges::for_each(ir::reads_of(node), mark);
  }
  for (const ir::Output& output : block.outputs) {
    ir::for_each_ref(output.value, mark);
  }
  return read;
}

/// Drops the inputs that no block reads, and the node's operands for them.
void drop_unread_inputs(ir::Node& node, ControlFlowParts& parts) {
  const bool is_branch = node.target == "prim::If";
  // A loop's body keeps the iteration and the carried values.
  const size_t num_kept = is_branch ? 0 : 1 + node.outputs.size();
  const size_t num_inputs = parts.blocks.front().inputs.size();
  std::vector<bool> is_read(num_inputs, false);
  for (const ir::Graph& block : parts.blocks) {
    const std::vector<bool> read = read_values(block);
    for (size_t i = 0; i < num_inputs; ++i) {
      is_read[i] =
          is_read[i] || read[static_cast<size_t>(block.inputs[i].value)];
    }
  }
  for (size_t i = num_inputs; i-- > num_kept;) {
    if (!is_read[i]) {
      for (ir::Graph& block : parts.blocks) {
        erase_at(block.inputs, i);
      }
      erase_at(node.inputs, parts.operands.at(is_branch ? i : i - 1));
    }
  }
}

/// Drops the unread results of a branch, and the inputs of a branch's or loop's
/// blocks that the blocks don't read.
void prune_blocks(ir::Node& node, const std::vector<bool>& live) {
  ControlFlowParts parts = copy_parts(node);
  if (node.target == "prim::If") {
    drop_unread_results(node, parts.blocks, live);
  }
  std::ranges::for_each(parts.blocks, drop_dead_nodes);
  drop_unread_inputs(node, parts);
  size_t next = 0;
  for (ir::NamedArg& input : node.inputs) {
    if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      ir::Graph& block = parts.blocks[next++];
      drop_dead_nodes(block);  // the values of the dropped inputs
      sub->graph = std::make_shared<const ir::Graph>(std::move(block));
    }
  }
}

/// Whether a branch has no nodes left on either side, for example because its
/// sides only held assertions.
bool is_hollow(const ir::Node& node) {
  return node.target == "prim::If" &&
         std::ranges::all_of(node.inputs, [](const ir::NamedArg& input) {
           const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value);
           return sub == nullptr || sub->graph->nodes.empty();
         });
}

/// Drops unmarked values and nodes, and renumbers the references to values.
void keep_marked(
    ir::Graph& graph,
    const std::vector<bool>& keeps_value,
    const std::vector<bool>& keeps_node) {
  std::vector<ir::ValueId> new_ids(graph.values.size(), ir::kNoValue);
  std::vector<ir::Value> values;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (keeps_value[i]) {
      new_ids[i] = static_cast<ir::ValueId>(values.size());
      values.push_back(std::move(graph.values[i]));
    }
  }
  std::vector<ir::Node> nodes;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (keeps_node[i]) {
      nodes.push_back(std::move(graph.nodes[i]));
    }
  }
  graph.values = std::move(values);
  graph.nodes = std::move(nodes);
  ir::for_each_id(graph, [&](ir::ValueId& id) {
    id = id == ir::kNoValue ? id : new_ids[static_cast<size_t>(id)];
  });
}

}  // namespace

void drop_dead_nodes(ir::Graph& graph) {
  std::vector<bool> live = live_values(graph);
  std::vector<bool> kept(graph.nodes.size(), true);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    ir::Node& node = graph.nodes[i];
    if (node.target == "prim::If" || node.target == "prim::Loop") {
      prune_blocks(node, live);
    }
    const auto defines = ir::defines_of(node);
    kept[i] = !node.effects.writes.empty() || node.effects.random ||
              (defines.empty() && !is_hollow(node)) ||
              std::ranges::any_of(defines, [&](ir::ValueId id) {
                return live[static_cast<size_t>(id)];
              });
    if (!kept[i]) {
      continue;
    }
    for (const ir::ValueId id : ir::reads_of(node)) {
      live[static_cast<size_t>(id)] = true;
    }
    for (const ir::ValueId id : defines) {
      live[static_cast<size_t>(id)] = true;
    }
  }
  keep_marked(graph, live, kept);
  // Also drop the aliases of a branch's dropped results.
  for (ir::Node& node : graph.nodes) {
    std::erase_if(node.effects.aliases, [](const auto& pair) {
      return pair.first == ir::kNoValue || pair.second == ir::kNoValue;
    });
  }
}

}  // namespace pp::ts
