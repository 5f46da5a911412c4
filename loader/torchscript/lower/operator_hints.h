#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace pp::ts {

/// The results, as meta tensors, of operators that have no kernel for meta
/// tensors in C++. They have the right element type and sizes and nothing else.
/// operator_name  "aten::relu"
/// arguments      all of the schema's, tensors on meta
/// returns        nothing for an unknown operator or case
std::optional<std::vector<c10::IValue>> try_operator_hints(
    std::string_view operator_name, const std::vector<c10::IValue>& arguments);

/// A meta tensor with the type, sizes and strides of `tensor`.
at::Tensor to_meta(const at::Tensor& tensor);

}  // namespace pp::ts
