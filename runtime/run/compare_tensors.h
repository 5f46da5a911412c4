#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/run/verify.h"

namespace pp {

/// Compares tensors by name and appends a row for each; verify() defines the
/// error. A tensor that only one side has, or whose shape differs, has an
/// infinite error.
///
/// kind  what the tensors are: "gradient"
void compare_tensors(
    const std::string& kind,
    const std::map<std::string, at::Tensor>& reference,
    const std::map<std::string, at::Tensor>& actual,
    std::vector<VerifyRow>& rows);

}  // namespace pp
