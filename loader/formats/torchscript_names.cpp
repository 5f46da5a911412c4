#include "loader/formats/torchscript_names.h"

#include <algorithm>

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

}  // namespace

void drop_dead_nodes(ir::Graph& graph) {
  std::vector<bool> live = live_values(graph);
  std::vector<bool> kept(graph.nodes.size(), true);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const ir::Node& node = graph.nodes[i];
    const auto defines = ir::defines_of(node);
    kept[i] = !node.effects.writes.empty() || node.effects.random ||
              defines.empty() ||
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
  const auto renumber = [&](ir::ValueId& id) {
    id = id == ir::kNoValue ? id : number[static_cast<size_t>(id)];
  };
  for (ir::Node& node : nodes) {
    for (ir::NamedArg& input : node.inputs) {
      ir::for_each_ref(input.arg, renumber);
    }
    for (ir::NodeOutput& output : node.outputs) {
      std::ranges::for_each(output.ids, renumber);
    }
    std::ranges::for_each(node.effects.writes, renumber);
    for (auto& [result, argument] : node.effects.aliases) {
      renumber(result);
      renumber(argument);
    }
  }
  for (ir::Input& input : graph.inputs) {
    renumber(input.value);
  }
  for (ir::State& state : graph.states) {
    renumber(state.value);
  }
  for (ir::Output& output : graph.outputs) {
    ir::for_each_ref(output.value, renumber);
  }
  for (ir::Mutation& mutation : graph.mutations) {
    renumber(mutation.value);
  }
  graph.values = std::move(values);
  graph.nodes = std::move(nodes);
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
