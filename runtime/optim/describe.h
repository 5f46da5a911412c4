#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// Returns a tensor's type and shape as text, "float32 [4, 10]", or "no tensor"
/// if it is undefined.
std::string describe(const at::Tensor& tensor);
/// Describes a tensor of this type and these sizes in the same way.
std::string describe(at::ScalarType type, at::IntArrayRef sizes);

}  // namespace pp
