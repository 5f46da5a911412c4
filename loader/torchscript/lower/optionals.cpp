#include "loader/torchscript/lower/optionals.h"

#include <algorithm>
#include <ranges>
#include <vector>

#include "loader/effects/operator_table.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

/// The tensor object that a value is. In-place operators return their operand.
/// Returns nullopt if an operator may have returned a new tensor or its input.
std::optional<ir::ValueId> try_tensor_object(
    const Lowering& lowering, ir::ValueId id) {
  for (const ir::Node& node : std::views::reverse(lowering.graph.nodes)) {
    const std::vector<ir::ValueId> defines = ir::defines_of(node);
    if (std::ranges::find(defines, id) == defines.end()) {
      continue;
    }
    const ir::OperatorParts op = ir::operator_parts(node.target);
    if (may_return_its_input(op.qualified_name()) || node.target[0] == 'p') {
      return std::nullopt;  // 'p': prim::If, prim::Loop
    }
    const auto* first = std::get_if<ir::Ref>(&node.inputs.at(0).arg.value);
    if (op.name.ends_with('_') && !op.name.ends_with("__") &&
        first != nullptr) {
      id = first->id;  // the operator works in place
    }
  }
  return id;
}

/// Whether two items are the same tensor object; nullopt if that is unknown.
std::optional<bool> try_is_same_tensor(
    const Lowering& lowering, const Item& a, const Item& b) {
  const auto* left = a.as<GraphValue>();
  const auto* right = b.as<GraphValue>();
  if (left == nullptr || right == nullptr) {
    return std::nullopt;
  }
  if (left->id == right->id) {
    return true;
  }
  if (lowering.block_depth() > 0) {
    return std::nullopt;  // the nodes of outer blocks are set aside
  }
  const auto one = try_tensor_object(lowering, left->id);
  const auto two = try_tensor_object(lowering, right->id);
  return one && two ? std::optional(*one == *two) : std::nullopt;
}

}  // namespace

std::optional<Items> lower_is_none(const NodeCall& call) {
  const bool left = call.inputs.at(0).is_none();
  const bool right = call.inputs.at(1).is_none();
  const bool wants_same = call.node.kind() == c10::aten::__is__;
  if (!left && !right) {
    const auto same =
        try_is_same_tensor(call.lowering, call.inputs[0], call.inputs[1]);
    return same ? std::optional(Items{constant_item(*same == wants_same)})
                : std::nullopt;
  }
  return Items{constant_item((left && right) == wants_same)};
}

std::optional<Items> lower_unwrap(const NodeCall& call) {
  return Items{call.inputs.front()};
}

std::optional<Items> lower_uninitialized(const NodeCall& call) {
  return Items(call.node.outputs().size(), constant_item({}));
}

}  // namespace pp::ts
