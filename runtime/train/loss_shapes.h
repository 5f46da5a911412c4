#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// What cross_entropy and nll read: rows of class scores and one class a row.
struct ClassInput {
  at::Tensor scores;   ///< [N, C] or [N, C, ...]
  at::Tensor targets;  ///< int64, the scores' shape without C
};

/// Puts the class dimension where the kernels want it. It is the last one if
/// the target is shaped like the output without it; else dimension 1.
///
/// throws  Error(Input) naming both where no class dimension fits, where the
///         output is not floating or the target not integer, and for a class
///         outside [0, C) other than kIgnoreIndex, if it is on the CPU
ClassInput class_input(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target);

/// Entries other than kIgnoreIndex.
int64_t count_targets(const at::Tensor& target);

/// Same shape and same floating dtype, for losses by element.
/// throws  Error(Input) naming both
void check_elementwise(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target);

}  // namespace pp
