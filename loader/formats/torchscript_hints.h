#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace pp::ts {

/// Results of the operators that have no kernel for meta tensors in C++, by
/// name ("aten::relu"): element type and sizes, nothing else.
/// arguments  as the schema has them, tensors on meta
/// returns    none: not known here
std::optional<std::vector<c10::IValue>> try_result_hints(
    std::string_view operator_name, const std::vector<c10::IValue>& arguments);

/// A tensor of the same type, sizes and strides without elements.
at::Tensor to_meta(const at::Tensor& tensor);

}  // namespace pp::ts
