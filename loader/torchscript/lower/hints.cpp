#include "loader/torchscript/lower/hints.h"

#include <utility>

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "loader/operators/preconditions.h"
#include "loader/torchscript/lower/limits.h"
#include "loader/torchscript/lower/operator_hints.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

std::optional<c10::IValue> try_list_hint(
    const Lowering& lowering, const Container* list) {
  if (list == nullptr || list->open_node ||
      list->kind != Container::Kind::List) {
    return std::nullopt;
  }
  std::vector<c10::IValue> values;
  for (const Item& item : list->items) {
    auto hint = try_hint(lowering, item);
    if (!hint) {
      return std::nullopt;
    }
    values.push_back(std::move(*hint));
  }
  return list_value(list->type, std::move(values));
}

/// Moves tensors to the meta device. An operator without tensor operands may
/// have created its result on another device.
void move_to_meta(torch::jit::Stack& stack) {
  for (c10::IValue& value : stack) {
    if (value.isTensor() && value.toTensor().defined() &&
        !value.toTensor().is_meta()) {
      value = to_meta(value.toTensor());
    }
  }
}

/// Replaces a meta tensor by zeros on the CPU. Returns their number.
int64_t fill_with_zeros(c10::IValue& value) {
  if (value.isDevice()) {
    value = c10::Device(at::kCPU);
  }
  if (value.isTensorList()) {
    int64_t count = 0;
    c10::List<at::Tensor> zeros;
    for (const at::Tensor& tensor : value.toTensorVector()) {
      c10::IValue item(tensor);
      count += fill_with_zeros(item);
      zeros.push_back(item.toTensor());
    }
    value = zeros;
    return count;
  }
  if (!value.isTensor() || !value.toTensor().defined() ||
      !value.toTensor().is_meta()) {
    return 0;
  }
  const at::Tensor tensor = value.toTensor();
  if (tensor.numel() <= kMaxElements) {
    value = at::zeros(tensor.sizes(), tensor.options().device(at::kCPU));
  }
  return tensor.numel();
}

/// Runs an operator that has no kernel for meta tensors on zeros. Returns
/// nullopt if it fails, takes too long, or returns sizes that depend on
/// elements.
std::optional<std::vector<c10::IValue>> try_run_on_zeros(
    const c10::OperatorHandle& op, torch::jit::Stack stack) {
  if (op.hasTag(at::Tag::dynamic_output_shape) ||
      op.hasTag(at::Tag::data_dependent_output)) {
    return std::nullopt;
  }
  int64_t count = 0;
  for (c10::IValue& value : stack) {
    count += fill_with_zeros(value);
  }
  if (count > kMaxElements) {
    return std::nullopt;
  }
  const c10::AutoGradMode no_grad(false);
  try {
    if (!precondition_fault(op.schema(), stack).empty()) {
      return std::nullopt;
    }
    op.callBoxed(stack);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  // Refuse lists, because their lengths may depend on the operands' elements.
  for (const c10::IValue& value : stack) {
    if (!value.isTensor()) {
      return std::nullopt;
    }
  }
  move_to_meta(stack);
  return stack;
}

}  // namespace

std::optional<at::Tensor> try_tensor_hint(
    const Lowering& lowering, ir::ValueId id) {
  const auto& hint = lowering.hints[static_cast<size_t>(id)];
  return hint && hint->isTensor() && hint->toTensor().defined()
             ? std::optional(hint->toTensor())
             : std::nullopt;
}

std::optional<c10::IValue> try_hint(
    const Lowering& lowering, const Item& item) {
  if (const auto* constant = item.as<Constant>()) {
    return constant->value.isDevice() ? c10::IValue(c10::Device(at::kMeta))
                                      : constant->value;
  }
  if (const auto* value = item.as<GraphValue>()) {
    return lowering.hints[static_cast<size_t>(value->id)];
  }
  if (const auto* literal = item.as<Literal>()) {
    return to_meta(literal->tensor);
  }
  if (item.as<NumberTensor>() != nullptr) {
    return at::scalar_tensor(0, at::TensorOptions(at::kLong).device(at::kMeta));
  }
  return try_list_hint(lowering, item.container());
}

std::optional<c10::IValue> try_common_hint(
    const Lowering& lowering, const Item& a, const Item& b) {
  const auto left = try_hint(lowering, a);
  const auto right = try_hint(lowering, b);
  if (!left || !right || !left->isTensor() || !right->isTensor()) {
    return std::nullopt;
  }
  const at::Tensor one = left->toTensor();
  const at::Tensor two = right->toTensor();
  return one.scalar_type() == two.scalar_type() && one.dim() == two.dim()
             ? left
             : std::nullopt;
}

std::optional<c10::IValue> try_literal_number(
    const Lowering& lowering, const Literal& literal) {
  const at::Tensor& tensor = literal.tensor;
  if (tensor.dim() != 0 || !tensor.is_cpu()) {
    return std::nullopt;
  }
  const auto record = lowering.storages.find(tensor.storage().data());
  if (record != lowering.storages.end() &&
      record->second->name.starts_with("data/")) {
    return std::nullopt;  // its bytes were withheld
  }
  return c10::IValue(tensor.item());
}

namespace {

/// Sets the argument `device` to meta, so that an operator that creates a
/// tensor allocates no memory.
void use_meta_device(
    const c10::FunctionSchema& schema, torch::jit::Stack& stack) {
  for (size_t i = 0; i < stack.size(); ++i) {
    if (schema.arguments()[i].name() == "device") {
      stack[i] = c10::Device(c10::kMeta);
    }
  }
}

}  // namespace

std::optional<std::vector<c10::IValue>> try_run_on_meta(
    const Lowering& lowering,
    const c10::OperatorHandle& op,
    const Items& arguments) {
  torch::jit::Stack stack;
  for (const Item& argument : arguments) {
    auto hint = try_hint(lowering, argument);
    if (!hint) {
      return std::nullopt;
    }
    stack.push_back(std::move(*hint));
  }
  use_meta_device(op.schema(), stack);
  if (auto known = try_operator_hints(op.schema().name(), stack)) {
    return known;
  }
  const torch::jit::Stack arguments_again = stack;
  const c10::AutoGradMode no_grad(false);
  try {
    if (!precondition_fault(op.schema(), stack).empty()) {
      return std::nullopt;  // the call will be refused when the model runs
    }
    op.callBoxed(stack);
    move_to_meta(stack);
  } catch (const std::exception&) {
    return try_run_on_zeros(op, arguments_again);
  }
  return stack;
}

}  // namespace pp::ts
