#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace pp::ts {

/// Computes hints for the results of an operator that has no kernel for meta
/// tensors in C++. Only the element types and sizes of the resulting meta
/// tensors are right.
/// operator_name  the operator, such as "aten::relu"
/// arguments      all arguments of the schema; their tensors are meta tensors
/// returns        one hint per result; nullopt for an unknown operator or case
std::optional<std::vector<c10::IValue>> try_operator_hints(
    std::string_view operator_name, const std::vector<c10::IValue>& arguments);

/// Returns a meta tensor with the element type, sizes and strides of `tensor`.
at::Tensor to_meta(const at::Tensor& tensor);

}  // namespace pp::ts
