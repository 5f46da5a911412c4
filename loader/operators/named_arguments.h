#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace pp {

/// The arguments of a call, by the names in the operator's schema.
class NamedArguments {
 public:
  NamedArguments(
      const c10::FunctionSchema& schema, std::span<const c10::IValue> values)
      : schema_(schema), values_(values) {}

  /// The argument at a position; None if there is none.
  c10::IValue at(size_t position) const {
    return position < values_.size() ? values_[position] : c10::IValue();
  }
  /// The argument with this name; None if the schema has none.
  c10::IValue find(const std::string& name) const {
    const std::optional<int> position = schema_.argumentIndexWithName(name);
    return position ? at(static_cast<size_t>(*position)) : c10::IValue();
  }
  /// Undefined if the argument is None.
  at::Tensor tensor(const std::string& name) const {
    const c10::IValue value = find(name);
    return value.isNone() ? at::Tensor() : value.toTensor();
  }
  /// Empty if the argument is None.
  std::vector<int64_t> integers(const std::string& name) const {
    const c10::IValue value = find(name);
    return value.isNone() ? std::vector<int64_t>() : value.toIntVector();
  }

 private:
  const c10::FunctionSchema& schema_;
  std::span<const c10::IValue> values_;
};

}  // namespace pp
