#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace pp::ts {

/// Returns the results, as meta tensors, of operators that have no kernel for
/// meta tensors in C++. Only their element type and sizes are right.
/// operator_name  "aten::relu"
/// arguments      all arguments of the schema; tensors are on meta
/// returns        nullopt for an unknown operator or case
std::optional<std::vector<c10::IValue>> try_operator_hints(
    std::string_view operator_name, const std::vector<c10::IValue>& arguments);

/// A meta tensor with the type, sizes and strides of `tensor`.
at::Tensor to_meta(const at::Tensor& tensor);

}  // namespace pp::ts
