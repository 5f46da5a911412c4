#include "loader/torchscript/mutations.h"

#include <set>
#include <utility>
#include <vector>

#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

/// Groups of values that may share memory. A group is named by one of them.
class MemoryGroups {
 public:
  explicit MemoryGroups(const ir::Graph& graph) {
    for (size_t i = 0; i < graph.values.size(); ++i) {
      named_by_.push_back(static_cast<ir::ValueId>(i));
    }
    for (const ir::Node& node : graph.nodes) {
      for (const auto& [result, argument] : node.effects.aliases) {
        join(result, argument);
      }
    }
  }

  ir::ValueId of(ir::ValueId value) const {
    while (named_by_[static_cast<size_t>(value)] != value) {
      value = named_by_[static_cast<size_t>(value)];
    }
    return value;
  }

 private:
  void join(ir::ValueId a, ir::ValueId b) {
    named_by_[static_cast<size_t>(of(a))] = of(b);
  }

  std::vector<ir::ValueId> named_by_;
};

/// Adds a node that copies a tensor, and returns the copy.
ir::ValueId add_copy(ir::Graph& graph, ir::ValueId tensor) {
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
  graph.nodes.push_back(std::move(node));
  return added;
}

}  // namespace

void part_mutations(ir::Graph& graph) {
  const MemoryGroups groups(graph);
  std::set<ir::ValueId> shared;
  for (const ir::Input& input : graph.inputs) {
    shared.insert(groups.of(input.value));
  }
  for (const ir::State& state : graph.states) {
    shared.insert(groups.of(state.value));
  }
  for (ir::Mutation& mutation : graph.mutations) {
    if (!shared.insert(groups.of(mutation.value)).second) {
      mutation.value = add_copy(graph, mutation.value);
    }
  }
}

}  // namespace pp::ts
