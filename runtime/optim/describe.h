#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// Describes type and shape: "float32 [4, 10]", or "no tensor" if undefined.
std::string describe(const at::Tensor& tensor);

}  // namespace pp
