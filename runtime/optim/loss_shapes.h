#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// The arguments of cross_entropy and nll: rows of class scores, and one class
/// per row.
struct ClassInput {
  at::Tensor scores;   ///< [N, C] or [N, C, ...]
  at::Tensor targets;  ///< int64, the scores' shape without C
};

/// Moves the class dimension to where the kernels expect it. The class
/// dimension is the last one if the target has the shape of the output without
/// its last dimension; otherwise it is dimension 1.
///
/// throws  Error(Input) naming both tensors if no class dimension fits, the
///         output is not floating-point or the target not integer; on the CPU
///         also for a class outside [0, C) other than kIgnoreIndex
ClassInput class_input(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target);

/// Counts the entries other than kIgnoreIndex.
int64_t count_targets(const at::Tensor& target);

/// Checks that shape and dtype are equal, for losses per element. The dtype
/// must be a floating-point one, or complex where the loss accepts that.
/// throws  Error(Input) naming both tensors
void check_elementwise(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target,
    bool accepts_complex);

}  // namespace pp
