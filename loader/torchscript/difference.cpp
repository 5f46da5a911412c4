#include "loader/torchscript/difference.h"

#include <algorithm>
#include <vector>

#include "loader/ir/walk.h"
#include "loader/torchscript/result_order.h"

namespace pp::ts {

namespace {

/// Maps the ids of one graph's values to those of another graph.
class ValueMap {
 public:
  explicit ValueMap(size_t num_values) : to_(num_values, ir::kNoValue) {}

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

using Difference = std::optional<std::string>;

std::vector<ir::ValueId> refs_of(const ir::Arg& arg) {
  std::vector<ir::ValueId> out;
  ir::for_each_ref(arg, [&](ir::ValueId id) { out.push_back(id); });
  return out;
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

/// Maps the results of `left` to those of `right`; false if the numbers differ.
bool map_results(
    const ir::Node& left, const ir::Node& right, ValueMap& values) {
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
      values.set(from[k], to[k]);
    }
  }
  return true;
}

Difference compare(const ir::Graph& left, const ir::Graph& right);

Difference try_find_block_difference(
    const ir::Node& left, const ir::Node& right) {
  const auto a = blocks_of(left);
  const auto b = blocks_of(right);
  if (a.size() != b.size()) {
    return "'" + left.name + "' has a different number of blocks";
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (const auto difference = compare(*a[i], *b[i])) {
      return "in '" + left.name + "': " + *difference;
    }
  }
  return std::nullopt;
}

Difference compare_inputs_and_states(
    const ir::Graph& left, const ir::Graph& right, ValueMap& values) {
  if (left.inputs.size() != right.inputs.size()) {
    return "the numbers of inputs differ";
  }
  for (size_t i = 0; i < left.inputs.size(); ++i) {
    values.set(left.inputs[i].value, right.inputs[i].value);
  }
  for (const ir::State& state : left.states) {
    const int found = ir::try_find_state(right, state.fqn);
    if (found < 0) {
      return "the code has no '" + state.fqn + "'";
    }
    values.set(state.value, right.states[static_cast<size_t>(found)].value);
  }
  if (left.states.size() != right.states.size()) {
    return "the numbers of parameters and buffers differ";
  }
  return std::nullopt;
}

Difference compare_nodes(
    const ir::Graph& left, const ir::Graph& right, ValueMap& values) {
  for (size_t i = 0; i < std::min(left.nodes.size(), right.nodes.size()); ++i) {
    const ir::Node& a = left.nodes[i];
    const ir::Node& b = right.nodes[i];
    if (a.target != b.target) {
      return "node " + std::to_string(i) + " is '" + a.target +
             "', but the code has '" + b.target + "'";
    }
    if (!values.agrees(ir::reads_of(a), ir::reads_of(b)) ||
        !map_results(a, b, values)) {
      return "node " + std::to_string(i) + " ('" + a.target +
             "') has different operands or results";
    }
    if (auto difference = try_find_block_difference(a, b)) {
      return difference;
    }
  }
  if (left.nodes.size() != right.nodes.size()) {
    return "the numbers of nodes differ";
  }
  return std::nullopt;
}

Difference compare_outputs(
    const ir::Graph& left, const ir::Graph& right, const ValueMap& values) {
  if (left.outputs.size() != right.outputs.size()) {
    return "the numbers of outputs differ";
  }
  for (size_t i = 0; i < left.outputs.size(); ++i) {
    if (!values.agrees(
            refs_of(left.outputs[i].value), refs_of(right.outputs[i].value))) {
      return "output '" + left.outputs[i].name + "' is a different value";
    }
  }
  return std::nullopt;
}

Difference compare_mutations(
    const ir::Graph& left, const ir::Graph& right, const ValueMap& values) {
  if (left.mutations.size() != right.mutations.size()) {
    return "the numbers of buffers with new values differ";
  }
  for (const ir::Mutation& mutation : left.mutations) {
    const auto found =
        std::ranges::find(right.mutations, mutation.fqn, &ir::Mutation::fqn);
    if (found == right.mutations.end() ||
        !values.agrees({mutation.value}, {found->value})) {
      return "the new value of '" + mutation.fqn + "' is different";
    }
  }
  return std::nullopt;
}

/// Compares two graphs in the order of in_order_of_use().
Difference compare(const ir::Graph& left, const ir::Graph& right) {
  ValueMap values(left.values.size());
  auto difference = compare_inputs_and_states(left, right, values);
  if (!difference) {
    difference = compare_nodes(left, right, values);
  }
  if (!difference) {
    difference = compare_outputs(left, right, values);
  }
  return difference ? difference : compare_mutations(left, right, values);
}

}  // namespace

std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right) {
  return compare(in_order_of_use(left), in_order_of_use(right));
}

}  // namespace pp::ts
