#include "loader/torchscript/mutations.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/assigned_buffers.h"

namespace pp::ts {

namespace {

constexpr int kNever = -1;

/// Groups of values that may share memory, and when each was last written. A
/// group is named by one of its values, a time is a position among the nodes.
class MemoryGroups {
 public:
  explicit MemoryGroups(const ir::Graph& graph)
      : named_by_(graph.values.size()),
        written_at_(graph.values.size(), kNever) {
    std::iota(named_by_.begin(), named_by_.end(), ir::ValueId{0});
    for (const ir::Node& node : graph.nodes) {
      for (const auto& [result, argument] : node.effects.aliases) {
        named_by_[static_cast<size_t>(of(result))] = of(argument);
      }
    }
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const ir::ValueId value : graph.nodes[i].effects.writes) {
        written_at_[static_cast<size_t>(of(value))] = static_cast<int>(i);
      }
    }
  }

  ir::ValueId of(ir::ValueId value) const {
    while (named_by_[static_cast<size_t>(value)] != value) {
      value = named_by_[static_cast<size_t>(value)];
    }
    return value;
  }

  int last_write(ir::ValueId group) const {
    return written_at_[static_cast<size_t>(group)];
  }

 private:
  std::vector<ir::ValueId> named_by_;
  std::vector<int> written_at_;
};

const ir::State& state_of(
    const ir::Graph& graph, const ir::Mutation& mutation) {
  return graph
      .states[static_cast<size_t>(ir::try_find_state(graph, mutation.fqn))];
}

/// The last node that defines or, if `reads`, reads the value.
int last_node(const ir::Graph& graph, ir::ValueId value, bool reads) {
  for (int i = static_cast<int>(graph.nodes.size()) - 1; i >= 0; --i) {
    const ir::Node& node = graph.nodes[static_cast<size_t>(i)];
    if (std::ranges::count(
            reads ? ir::reads_of(node) : ir::defines_of(node), value) > 0) {
      return i;
    }
  }
  return kNever;
}

/// Refuses buffers that would share memory with other states in the next call,
/// where a write to one of them would show in both. A copy doesn't.
void check_lasting_aliases(
    const ir::Graph& graph,
    const MemoryGroups& groups,
    std::string_view where) {
  const auto refuse = [&](const std::string& fqn, const std::string& other) {
    throw input_error(
        std::string(where) + ": the model assigns to buffer '" + fqn +
        "' a tensor that may share memory with '" + other +
        "', which changes later; assign a copy (clone())");
  };
  const auto is_assigned = [&](const ir::State& state) {
    return std::ranges::count(graph.mutations, state.fqn, &ir::Mutation::fqn) >
           0;
  };
  std::map<ir::ValueId, const ir::State*> assigned;  // by the value's group
  for (const ir::Mutation& mutation : graph.mutations) {
    const ir::ValueId group = groups.of(mutation.value);
    for (const ir::State& state : graph.states) {
      const bool changes = state.kind == ir::StateKind::Parameter ||
                           groups.last_write(group) != kNever;
      if (groups.of(state.value) == group && changes && !is_assigned(state)) {
        refuse(mutation.fqn, state.fqn);
      }
    }
    const ir::State& own = state_of(graph, mutation);
    const auto [other, is_first] = assigned.emplace(group, &own);
    if (!is_first &&
        (groups.last_write(groups.of(own.value)) != kNever ||
         groups.last_write(groups.of(other->second->value)) != kNever)) {
      refuse(mutation.fqn, other->second->fqn);
    }
  }
}

/// Inserts a node that copies a tensor, and returns the copy.
ir::ValueId insert_copy(ir::Graph& graph, int position, ir::ValueId tensor) {
  ir::Value copy = graph.values[static_cast<size_t>(tensor)];
  do {
    copy.name += "_copy";
  } while (ir::try_find_value(graph, copy.name) != ir::kNoValue);
  ir::Node node;
  node.target = "aten.clone.default";
  node.name = copy.name;
  node.modules = {{}};  // the root
  node.inputs.push_back({"self", {ir::Ref{tensor}}, false});
  const ir::ValueId added = ir::add_value(graph, std::move(copy));
  node.outputs.push_back({{added}, false});
  graph.nodes.insert(graph.nodes.begin() + position, std::move(node));
  return added;
}

}  // namespace

void part_mutations(ir::Graph& graph, std::string_view where) {
  if (graph.mutations.empty()) {
    return;  // as in nearly all scripts
  }
  const MemoryGroups groups(graph);
  check_lasting_aliases(graph, groups, where);
  std::set<ir::ValueId> shared;
  for (const ir::Input& input : graph.inputs) {
    shared.insert(groups.of(input.value));
  }
  for (const ir::State& state : graph.states) {
    shared.insert(groups.of(state.value));
  }
  std::vector<std::pair<int, ir::Mutation*>> copies;  // after these nodes
  for (ir::Mutation& mutation : graph.mutations) {
    const ir::ValueId group = groups.of(mutation.value);
    const int made = last_node(graph, mutation.value, false);
    const int written = groups.last_write(group);
    const bool is_shared = !shared.insert(group).second;
    // A later stage may write memory that this one has made.
    if (is_shared || written > made) {
      const int last = std::max(made, written);
      copies.emplace_back(
          last != kNever
              ? last
              : last_node(graph, state_of(graph, mutation).value, true),
          &mutation);
    }
  }
  std::ranges::stable_sort(
      copies, std::greater<>(), [](const auto& copy) { return copy.first; });
  for (const auto& [node, mutation] : copies) {
    mutation->value = insert_copy(graph, node + 1, mutation->value);
  }
}

void check_mutations(const ir::Graph& graph, std::string_view where) {
  ir::TensorMeta unknown;
  unknown.known = false;
  const auto meta_of = [&](ir::ValueId id) {
    return graph.values[static_cast<size_t>(id)].tensor.value_or(unknown);
  };
  for (const ir::Mutation& mutation : graph.mutations) {
    const std::string reason = why_not_assignable(
        meta_of(state_of(graph, mutation).value), meta_of(mutation.value));
    if (!reason.empty()) {
      throw input_error(
          std::string(where) + ": the model assigns a new tensor to buffer '" +
          mutation.fqn + "', but " + reason);
    }
  }
}

}  // namespace pp::ts
