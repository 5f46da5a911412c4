#include "loader/torchscript/lower/list_numbers.h"

#include <algorithm>
#include <utility>

#include "loader/torchscript/lower/list_access.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

bool are_numbers(const Lowering& lowering, const Items& items) {
  return std::ranges::all_of(items, [&](const Item& item) {
    if (const auto* constant = item.as<Constant>()) {
      return constant->value.isInt() || constant->value.isDouble();
    }
    const auto* value = item.as<GraphValue>();
    return value != nullptr &&
           lowering.value(value->id).type.kind != ir::TypeKind::Tensor;
  });
}

/// Whether two lists of numbers are equal, as a bool.
Item equal_numbers(const NodeCall& call, const Items& a, const Items& b) {
  if (a.size() != b.size()) {
    return constant_item(false);
  }
  for (size_t i = 0; i < a.size(); ++i) {
    const auto left = try_constant(a[i]);
    const auto right = try_constant(b[i]);
    if (left && right && !(*left == *right)) {
      return constant_item(false);
    }
  }
  std::optional<GraphValue> all;
  for (size_t i = 0; i < a.size(); ++i) {
    if (is_same_constant(a[i], b[i])) {
      continue;
    }
    const GraphValue equal = add_number_function(
        call.lowering, "_operator.eq", {a[i], b[i]}, ir::TypeKind::Bool);
    all = all ? add_number_function(
                    call.lowering,
                    "_operator.and_",
                    {{*all}, {equal}},
                    ir::TypeKind::Bool)
              : equal;
  }
  return all ? Item{*all} : constant_item(true);
}

}  // namespace

std::optional<Items> lower_equal_lists(const NodeCall& call) {
  const auto is_list = [](const Item& item) {
    return item.as<TensorSizes>() != nullptr || try_list(item) != nullptr;
  };
  for (const Item& item : call.inputs) {
    count_items(item, call.lowering.steps);
  }
  if (!is_list(call.inputs.at(0)) || !is_list(call.inputs.at(1)) ||
      (try_constant(call.inputs[0]) && try_constant(call.inputs[1]))) {
    return std::nullopt;
  }
  const auto* sizes = call.inputs[0].as<TensorSizes>();
  const auto* other = call.inputs[1].as<TensorSizes>();
  if (sizes != nullptr && other != nullptr && sizes->tensor == other->tensor) {
    return Items{constant_item(call.node.kind() == c10::aten::eq)};
  }
  const auto left = try_list_items(call, call.inputs[0], "compares");
  const auto right = try_list_items(call, call.inputs[1], "compares");
  if (!left || !right || !are_numbers(call.lowering, *left) ||
      !are_numbers(call.lowering, *right)) {
    return std::nullopt;
  }
  const Item equal = equal_numbers(call, *left, *right);
  if (call.node.kind() == c10::aten::eq) {
    return Items{equal};
  }
  if (const auto known = try_constant(equal)) {
    return Items{constant_item(!known->toBool())};
  }
  return Items{{add_number_function(
      call.lowering, "_operator.not_", {equal}, ir::TypeKind::Bool)}};
}

std::optional<Items> lower_reduce_list(const NodeCall& call) {
  const auto kind = try_number_kind(call.node.output()->type());
  for (const Item& item : call.inputs) {
    count_items(item, call.lowering.steps);
  }
  if (call.inputs.size() != 1 || !kind || try_constant(call.inputs.front())) {
    return std::nullopt;
  }
  const auto items = try_list_items(call, call.inputs.front(), "reads");
  if (!items || items->empty() || !are_numbers(call.lowering, *items)) {
    return std::nullopt;
  }
  const char* target = call.node.kind() == c10::aten::sum   ? "_operator.add"
                       : call.node.kind() == c10::prim::max ? "torch.sym_max"
                                                            : "torch.sym_min";
  Item result = items->front();
  for (size_t i = 1; i < items->size(); ++i) {
    result = {add_number_function(
        call.lowering, target, {result, (*items)[i]}, *kind)};
  }
  return Items{std::move(result)};
}

}  // namespace pp::ts
