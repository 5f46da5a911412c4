#include "loader/torchscript/inputs.h"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/core/jit_type.h>
#include <ATen/ops/empty.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/torchscript/lower/types.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

at::Tensor meta_tensor(const ir::TensorMeta& meta) {
  std::vector<int64_t> sizes;
  for (const ir::Dim& dim : meta.sizes) {
    sizes.push_back(dim.value);
  }
  return at::empty(
      sizes,
      at::TensorOptions(static_cast<at::ScalarType>(meta.dtype))
          .device(at::kMeta));
}

void set_at(std::vector<at::Tensor>& tensors, size_t index, at::Tensor tensor) {
  tensors.resize(std::max(tensors.size(), index + 1));
  tensors[index] = std::move(tensor);
}

/// The names of forward's arguments, without `self`.
std::vector<std::string> argument_names(const c10::FunctionSchema& schema) {
  std::vector<std::string> out;
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    out.push_back(schema.arguments()[i].name());
  }
  return out;
}

/// Whether an argument is a tensor or an optional tensor.
bool may_be_tensor(const c10::Argument& argument) {
  c10::TypePtr type = argument.type();
  if (const auto optional = type->cast<c10::OptionalType>()) {
    type = optional->getElementType();
  }
  return type->kind() == c10::TypeKind::TensorType;
}

ir::TypeKind input_kind(
    const Lowering& lowering, const c10::Argument& argument) {
  if (may_be_tensor(argument)) {
    return ir::TypeKind::Tensor;
  }
  const auto kind = try_number_kind(argument.type());
  if (!kind) {
    throw input_error(
        lowering.where + ": forward's argument '" + argument.name() +
        "' has type " + argument.type()->repr_str() +
        "; only tensors, numbers and arguments with a default value are "
        "supported");
  }
  return *kind;
}

}  // namespace

std::vector<std::string> inputs_without_sizes(
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& examples) {
  std::vector<std::string> out;
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    if (may_be_tensor(argument) && !argument.default_value() &&
        (i - 1 >= examples.size() || !examples[i - 1].defined())) {
      out.push_back(argument.name());
    }
  }
  return out;
}

std::vector<at::Tensor> tensors_from_hints(
    const c10::FunctionSchema& schema, const InputHints& hints) {
  std::vector<at::Tensor> out;
  const std::vector<std::string> names = argument_names(schema);
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto found = hints.find(names[i]); found != hints.end()) {
      set_at(out, i, meta_tensor(found->second));
    }
  }
  return out;
}

std::vector<at::Tensor> replace_inputs(
    std::vector<at::Tensor> tensors,
    const c10::FunctionSchema& schema,
    const InputHints& hints) {
  const std::vector<std::string> names = argument_names(schema);
  for (const auto& [name, meta] : hints) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      throw usage_error(
          "--input " + name + ": forward has no such argument; it has " +
          join(names));
    }
    set_at(
        tensors, static_cast<size_t>(found - names.begin()), meta_tensor(meta));
  }
  return tensors;
}

Items add_inputs(
    Lowering& lowering,
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& examples) {
  Items out;
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const bool has_example = may_be_tensor(argument) &&
                             i - 1 < examples.size() &&
                             examples[i - 1].defined();
    if (argument.default_value() && !has_example) {
      out.push_back(item_of(*argument.default_value(), lowering.steps));
      continue;
    }
    const ir::TypeKind kind = input_kind(lowering, argument);
    const GraphValue value = add_value(
        lowering,
        argument.name(),
        kind,
        has_example ? std::optional<c10::IValue>(examples[i - 1])
                    : std::nullopt);
    lowering.graph.inputs.push_back(
        {argument.name(), value.id, argument.kwarg_only()});
    out.push_back({value});
  }
  return out;
}

}  // namespace pp::ts
