// What is known of values before the model runs: operators run on meta tensors.
#include <ATen/core/jit_type.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include "loader/formats/torchscript_builder.h"
#include "loader/formats/torchscript_hints.h"

namespace pp::ts {

std::optional<at::Tensor> Builder::try_hint(ir::ValueId id) const {
  const auto& hint = hints_[static_cast<size_t>(id)];
  return hint && hint->isTensor() && hint->toTensor().defined()
             ? std::optional(hint->toTensor())
             : std::nullopt;
}

std::optional<c10::IValue> Builder::try_hint(const Item& item) const {
  if (const auto* fixed_item = item.as<Fixed>()) {
    return fixed_item->value.isDevice() ? c10::IValue(c10::Device(at::kMeta))
                                        : fixed_item->value;
  }
  if (const auto* made = item.as<Made>()) {
    return hints_[static_cast<size_t>(made->id)];
  }
  if (const auto* literal = item.as<Literal>()) {
    return to_meta(literal->tensor);
  }
  if (item.as<Number>() != nullptr) {
    return at::scalar_tensor(0, at::TensorOptions(at::kLong).device(at::kMeta));
  }
  const Compound* compound = item.compound();
  if (compound == nullptr || compound->open_node ||
      compound->kind != Compound::Kind::List) {
    return std::nullopt;
  }
  const auto list = compound->type ? compound->type->cast<c10::ListType>()
                                   : c10::ListTypePtr();
  c10::impl::GenericList out(
      list ? list->getElementType() : c10::AnyType::get());
  for (const Item& each : compound->items) {
    auto hint = try_hint(each);
    if (!hint) {
      return std::nullopt;
    }
    out.push_back(std::move(*hint));
  }
  return out;
}

std::optional<c10::IValue> Builder::try_number(const Literal& literal) const {
  const at::Tensor& tensor = literal.tensor;
  if (tensor.dim() != 0 || !tensor.is_cpu()) {
    return std::nullopt;
  }
  const auto record = records_.find(tensor.storage().data());
  if (record != records_.end() && record->second->name.starts_with("data/")) {
    return std::nullopt;  // its bytes were withheld
  }
  return c10::IValue(tensor.item());
}

std::optional<std::vector<c10::IValue>> Builder::run_on_meta(
    const c10::OperatorHandle& op, const std::vector<Item>& arguments) const {
  torch::jit::Stack stack;
  for (const Item& argument : arguments) {
    auto hint = try_hint(argument);
    if (!hint) {
      return std::nullopt;
    }
    stack.push_back(std::move(*hint));
  }
  if (auto known = try_result_hints(op.schema().name(), stack)) {
    return known;
  }
  const c10::AutoGradMode no_grad(false);
  try {
    op.callBoxed(stack);
    for (c10::IValue& value : stack) {
      if (value.isTensor() && value.toTensor().defined() &&
          !value.toTensor().is_meta()) {
        value = to_meta(value.toTensor());  // made without any tensor
      }
    }
  } catch (const std::exception&) {
    return std::nullopt;  // not without the numbers themselves
  }
  return stack;
}

}  // namespace pp::ts
