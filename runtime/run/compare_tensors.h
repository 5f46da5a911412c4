#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/run/verify.h"

namespace pp {

/// Compares tensors by name and appends a row for each to `rows`. verify()
/// defines the error. If only one side has a tensor, or the shapes differ, the
/// error is infinite.
///
/// kind  the kind of the tensors, as in VerifyRow: "gradient"
void compare_tensors(
    const std::string& kind,
    const std::map<std::string, at::Tensor>& reference,
    const std::map<std::string, at::Tensor>& actual,
    std::vector<VerifyRow>& rows);

}  // namespace pp
