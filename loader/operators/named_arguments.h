#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace pp {

/// The arguments of an operator call, looked up by their names in the schema.
/// The schema and the values must outlive this object.
class NamedArguments {
 public:
  NamedArguments(
      const c10::FunctionSchema& schema, std::span<const c10::IValue> values)
      : schema_(schema), values_(values) {}

  /// The argument at `position`; None if the call passes fewer arguments.
  c10::IValue at(size_t position) const {
    return position < values_.size() ? values_[position] : c10::IValue();
  }
  /// The argument called `name`; None if the schema has no such argument or the
  /// call doesn't pass it.
  c10::IValue find(const std::string& name) const {
    const std::optional<int> position = schema_.argumentIndexWithName(name);
    return position ? at(static_cast<size_t>(*position)) : c10::IValue();
  }
  /// The tensor argument called `name`; an undefined tensor if the argument is
  /// None.
  at::Tensor tensor(const std::string& name) const {
    const c10::IValue value = find(name);
    return value.isNone() ? at::Tensor() : value.toTensor();
  }
  /// The integer-list argument called `name`; an empty list if the argument is
  /// None.
  std::vector<int64_t> integers(const std::string& name) const {
    const c10::IValue value = find(name);
    return value.isNone() ? std::vector<int64_t>() : value.toIntVector();
  }

 private:
  const c10::FunctionSchema& schema_;
  std::span<const c10::IValue> values_;
};

}  // namespace pp
