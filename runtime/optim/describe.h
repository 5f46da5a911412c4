#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// "float32 [4, 10]", "no tensor"
std::string describe(const at::Tensor& tensor);

}  // namespace pp
