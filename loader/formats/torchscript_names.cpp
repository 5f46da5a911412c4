#include "loader/formats/torchscript_names.h"

#include <algorithm>

#include "loader/ir/edit.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

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

/// The ids of one graph by those of another.
class Mapping {
 public:
  explicit Mapping(size_t count) : to_(count, ir::kNoValue) {}
  void set(ir::ValueId from, ir::ValueId to) {
    if (from != ir::kNoValue) {
      to_[static_cast<size_t>(from)] = to;
    }
  }
  bool agrees(
      const std::vector<ir::ValueId>& from,
      const std::vector<ir::ValueId>& to) const {
    return std::ranges::equal(from, to, [&](ir::ValueId a, ir::ValueId b) {
      return to_[static_cast<size_t>(a)] == b;
    });
  }

 private:
  std::vector<ir::ValueId> to_;
};

std::vector<ir::ValueId> refs_of(const ir::Arg& arg) {
  std::vector<ir::ValueId> out;
  ir::for_each_ref(arg, [&](ir::ValueId id) { out.push_back(id); });
  return out;
}

bool map_results(const ir::Node& left, const ir::Node& right, Mapping& map) {
  if (left.outputs.size() != right.outputs.size()) {
    return false;
  }
  for (size_t i = 0; i < left.outputs.size(); ++i) {
    const auto& from = left.outputs[i].ids;
    const auto& to = right.outputs[i].ids;
    if (from.size() != to.size()) {
      return false;
    }
    for (size_t k = 0; k < from.size(); ++k) {
      map.set(from[k], to[k]);
    }
  }
  return true;
}

/// The results of a branch that nobody reads, and what blocks take and do not
/// read: gone.
void prune_blocks(ir::Node& node, const std::vector<bool>& live) {
  std::vector<ir::Graph> blocks;
  std::vector<size_t> operands;  // positions among the node's inputs
  for (size_t i = node.target == "prim::Loop" ? 2 : 1; i < node.inputs.size();
       ++i) {
    if (const auto* sub =
            std::get_if<ir::SubGraph>(&node.inputs[i].arg.value)) {
      blocks.push_back(*sub->graph);
    } else {
      operands.push_back(i);
    }
  }
  const bool is_branch = node.target == "prim::If";
  for (size_t i = node.outputs.size(); is_branch && i-- > 0;) {
    const ir::ValueId id = node.outputs[i].ids.front();
    if (id == ir::kNoValue || !live[static_cast<size_t>(id)]) {
      node.outputs.erase(node.outputs.begin() + static_cast<ptrdiff_t>(i));
      for (ir::Graph& block : blocks) {
        block.outputs.erase(block.outputs.begin() + static_cast<ptrdiff_t>(i));
      }
    }
  }
  // The number of the turn and the carried values stay.
  const size_t first = is_branch ? 0 : 1 + node.outputs.size();
  std::vector<bool> read(blocks.front().inputs.size(), false);
  for (ir::Graph& block : blocks) {
    drop_dead_nodes(block);
    std::vector<bool> used(block.values.size(), false);
    const auto use = [&](ir::ValueId id) {
      used[static_cast<size_t>(id)] = true;
    };
    for (const ir::Node& inner : block.nodes) {
      std::ranges::for_each(ir::reads_of(inner), use);
    }
    for (const ir::Output& output : block.outputs) {
      ir::for_each_ref(output.value, use);
    }
    for (size_t i = 0; i < read.size(); ++i) {
      read[i] = read[i] || i < first ||
                used[static_cast<size_t>(block.inputs[i].value)];
    }
  }
  for (size_t i = read.size(); i-- > first;) {
    if (!read[i]) {
      const auto at = static_cast<ptrdiff_t>(i);
      for (ir::Graph& block : blocks) {
        block.inputs.erase(block.inputs.begin() + at);
      }
      const size_t operand = operands.at(is_branch ? i : i - 1);
      node.inputs.erase(node.inputs.begin() + static_cast<ptrdiff_t>(operand));
    }
  }
  size_t next = 0;
  for (ir::NamedArg& input : node.inputs) {
    if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      drop_dead_nodes(blocks[next]);  // the values of lost inputs
      sub->graph = std::make_shared<const ir::Graph>(std::move(blocks[next++]));
    }
  }
}

std::vector<const ir::Graph*> blocks_of(const ir::Node& node) {
  std::vector<const ir::Graph*> out;
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      out.push_back(sub->graph.get());
    }
  }
  return out;
}

/// A branch of which nothing is left: it decided on an assertion.
bool is_hollow(const ir::Node& node) {
  return node.target == "prim::If" &&
         std::ranges::all_of(blocks_of(node), [](const ir::Graph* block) {
           return block->nodes.empty();
         });
}

/// Where the blocks of two nodes differ, if they do.
std::optional<std::string> try_find_block_difference(
    const ir::Node& left, const ir::Node& right) {
  const auto a = blocks_of(left);
  const auto b = blocks_of(right);
  if (a.size() != b.size()) {
    return "'" + left.name + "' owns another number of graphs";
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (const auto difference = try_find_difference(*a[i], *b[i])) {
      return "in '" + left.name + "': " + *difference;
    }
  }
  return std::nullopt;
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
    if (kept[i]) {
      for (const ir::ValueId id : ir::reads_of(node)) {
        live[static_cast<size_t>(id)] = true;
      }
      for (const ir::ValueId id : defines) {
        live[static_cast<size_t>(id)] = true;
      }
    }
  }
  std::vector<ir::ValueId> number(graph.values.size(), ir::kNoValue);
  std::vector<ir::Value> values;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (live[i]) {
      number[i] = static_cast<ir::ValueId>(values.size());
      values.push_back(std::move(graph.values[i]));
    }
  }
  std::vector<ir::Node> nodes;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (kept[i]) {
      nodes.push_back(std::move(graph.nodes[i]));
    }
  }
  graph.values = std::move(values);
  graph.nodes = std::move(nodes);
  ir::for_each_id(graph, [&](ir::ValueId& id) {
    id = id == ir::kNoValue ? id : number[static_cast<size_t>(id)];
  });
  // A branch whose result nobody read has lost it.
  for (ir::Node& node : graph.nodes) {
    std::erase_if(node.effects.aliases, [](const auto& pair) {
      return pair.first == ir::kNoValue || pair.second == ir::kNoValue;
    });
  }
}

std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right) {
  if (left.inputs.size() != right.inputs.size()) {
    return "another number of inputs";
  }
  Mapping map(left.values.size());
  for (size_t i = 0; i < left.inputs.size(); ++i) {
    map.set(left.inputs[i].value, right.inputs[i].value);
  }
  for (const ir::State& state : left.states) {
    const int found = ir::try_find_state(right, state.fqn);
    if (found < 0) {
      return "'" + state.fqn + "' is missing";
    }
    map.set(state.value, right.states[static_cast<size_t>(found)].value);
  }
  if (left.states.size() != right.states.size()) {
    return "another number of parameters and buffers";
  }
  for (size_t i = 0; i < std::min(left.nodes.size(), right.nodes.size()); ++i) {
    const ir::Node& a = left.nodes[i];
    const ir::Node& b = right.nodes[i];
    if (a.target != b.target) {
      return "node " + std::to_string(i) + " is '" + a.target + "' and '" +
             b.target + "'";
    }
    if (!map.agrees(ir::reads_of(a), ir::reads_of(b)) ||
        !map_results(a, b, map)) {
      return "node " + std::to_string(i) + " ('" + a.target +
             "') is wired otherwise";
    }
    if (auto difference = try_find_block_difference(a, b)) {
      return difference;
    }
  }
  if (left.nodes.size() != right.nodes.size()) {
    return "another number of nodes";
  }
  if (left.outputs.size() != right.outputs.size()) {
    return "another number of outputs";
  }
  for (size_t i = 0; i < left.outputs.size(); ++i) {
    if (!map.agrees(
            refs_of(left.outputs[i].value), refs_of(right.outputs[i].value))) {
      return "output '" + left.outputs[i].name + "' is another value";
    }
  }
  return std::nullopt;
}

}  // namespace pp::ts
