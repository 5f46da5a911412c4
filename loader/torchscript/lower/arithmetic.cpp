#include "loader/torchscript/lower/arithmetic.h"

#include <algorithm>
#include <array>

#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/number_functions.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

/// The functions that have an integer result for integers.
constexpr std::array<std::string_view, 5> kIntegerFunctions = {
    "_operator.add",
    "_operator.sub",
    "_operator.mul",
    "_operator.floordiv",
    "_operator.mod"};

bool is_number(const Lowering& lowering, const Item& item) {
  if (const auto* constant = item.as<Constant>()) {
    return constant->value.isInt() || constant->value.isDouble() ||
           constant->value.isBool();
  }
  const auto* value = item.as<GraphValue>();
  return value != nullptr &&
         lowering.value(value->id).type.kind != ir::TypeKind::Tensor;
}

bool is_integer(const Lowering& lowering, const Item& number) {
  const auto* constant = number.as<Constant>();
  return constant != nullptr
             ? constant->value.isInt()
             : lowering.value(number.as<GraphValue>()->id).type.kind ==
                   ir::TypeKind::Int;
}

/// Whether the call is a function of two operands; the factor `alpha` of an
/// addition must be 1.
bool has_two_operands(const NodeCall& call, std::string_view target) {
  if (call.inputs.size() == 2) {
    return true;
  }
  const bool has_alpha = target == "_operator.add" || target == "_operator.sub";
  if (call.inputs.size() != 3 || !has_alpha) {
    return false;
  }
  const auto* alpha = call.inputs[2].as<Constant>();
  return alpha != nullptr && alpha->value.isInt() && alpha->value.toInt() == 1;
}

/// Returns the number in an operand, which may be a tensor without dimensions;
/// nullopt if the operand has no known number.
std::optional<Item> try_operand_number(
    const Lowering& lowering, const Item& item) {
  if (const auto* tensor = item.as<NumberTensor>()) {
    return number_in(*tensor);
  }
  if (const auto* literal = item.as<Literal>()) {
    const auto value = try_literal_number(lowering, *literal);
    return value ? std::optional(constant_item(*value)) : std::nullopt;
  }
  return item.as<Constant>() != nullptr ? std::optional(item) : std::nullopt;
}

/// Lowers arithmetic on integers that a trace stores in tensors.
std::optional<Items> try_lower_number_tensors(
    const NodeCall& call, std::string_view target) {
  if (std::ranges::find(kIntegerFunctions, target) == kIntegerFunctions.end() ||
      !has_two_operands(call, target)) {
    return std::nullopt;
  }
  bool any_number_tensor = false;
  Items operands;
  for (size_t i = 0; i < 2; ++i) {
    const auto number = try_operand_number(call.lowering, call.inputs[i]);
    if (!number || !is_integer(call.lowering, *number)) {
      return std::nullopt;
    }
    any_number_tensor =
        any_number_tensor || call.inputs[i].as<NumberTensor>() != nullptr;
    operands.push_back(*number);
  }
  if (!any_number_tensor) {
    return std::nullopt;
  }
  const auto* left = operands[0].as<Constant>();
  const auto* right = operands[1].as<Constant>();
  if (left != nullptr && right != nullptr) {
    const auto value =
        try_compute(target, left->value.toInt(), right->value.toInt());
    return value ? std::optional(Items{{NumberTensor{Constant{*value}}}})
                 : std::nullopt;
  }
  return Items{{NumberTensor{add_number_function(
      call.lowering, target, operands, ir::TypeKind::Int)}}};
}

}  // namespace

std::optional<Items> try_lower_arithmetic(const NodeCall& call) {
  const std::string_view target =
      number_target(call.node.kind().toQualString());
  if (target.empty() || call.node.outputs().size() != 1) {
    return std::nullopt;
  }
  const c10::TypePtr& type = call.node.output()->type();
  if (type->kind() == c10::TypeKind::TensorType) {
    return try_lower_number_tensors(call, target);
  }
  const auto kind = try_number_kind(type);
  const bool all_numbers = std::ranges::all_of(
      call.inputs,
      [&](const Item& item) { return is_number(call.lowering, item); });
  if (!kind || !all_numbers) {
    return std::nullopt;
  }
  if (target == "_operator.pow" && *kind == ir::TypeKind::Float &&
      std::ranges::all_of(call.inputs, [&](const Item& item) {
        return is_integer(call.lowering, item);
      })) {
    // A power of integers is a float in TorchScript and an integer in Python.
    const GraphValue power = add_number_function(
        call.lowering, target, call.inputs, ir::TypeKind::Int);
    return Items{{add_number_function(
        call.lowering, "torch.sym_float", {{power}}, *kind)}};
  }
  return Items{
      {add_number_function(call.lowering, target, call.inputs, *kind)}};
}

std::optional<Items> lower_absolute(const NodeCall& call) {
  const Item& item = call.inputs.front();
  const auto kind = try_number_kind(call.node.output()->type());
  const auto* value = item.as<GraphValue>();
  if (!kind || value == nullptr || !is_number(call.lowering, item)) {
    return std::nullopt;
  }
  const GraphValue negative =
      add_number_function(call.lowering, "_operator.neg", {item}, *kind);
  return Items{{add_number_function(
      call.lowering, "torch.sym_max", {item, {negative}}, *kind)}};
}

std::optional<Items> lower_round(const NodeCall& call) {
  Lowering& lowering = call.lowering;
  const Item& item = call.inputs.front();
  const auto* value = item.as<GraphValue>();
  if (value == nullptr || !is_number(lowering, item) ||
      try_number_kind(call.node.output()->type()) != ir::TypeKind::Float) {
    return std::nullopt;
  }
  if (is_integer(lowering, item)) {
    return Items{{add_number_function(
        lowering, "torch.sym_float", {item}, ir::TypeKind::Float)}};
  }
  const GraphValue whole =
      add_number_function(lowering, "round", {item}, ir::TypeKind::Int);
  const GraphValue result = add_number_function(
      lowering, "torch.sym_float", {{whole}}, ir::TypeKind::Float);
  lowering.rounded.emplace(result.id, whole);
  return Items{{result}};
}

}  // namespace pp::ts
