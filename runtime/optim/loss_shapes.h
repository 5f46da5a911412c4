#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pp {

/// The arguments of the cross_entropy and nll kernels: rows of class scores,
/// and one class per row.
struct ClassInput {
  at::Tensor scores;  ///< [N, C] or [N, C, ...]
  /// Int64; the shape of `scores` without C.
  at::Tensor targets;
  int64_t num_classes = 0;
};

/// Converts the arguments of a class loss to the form that the kernels expect,
/// with the class dimension of `output` moved to dimension 1. The class
/// dimension is the last one if `target` has the shape of `output` without its
/// last dimension; otherwise it is dimension 1.
///
/// throws  Error(Input) naming both tensors: no class dimension fits, `output`
///         isn't floating-point, or `target` isn't integer; on the CPU also a
///         class outside [0, C) other than kIgnoreIndex
ClassInput class_input(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target);

/// Returns the number of entries other than kIgnoreIndex.
int64_t count_targets(const at::Tensor& target);

/// Returns the sum of the weights of the targets' classes. A target without a
/// weight, such as kIgnoreIndex, adds nothing.
///
/// target   on the CPU
/// weights  float64 [C], on the CPU
double weight_of_targets(const at::Tensor& target, const at::Tensor& weights);

/// Checks that each target on the CPU, other than kIgnoreIndex, has a weight.
/// throws  Error(Input) naming the target and the number of weights
void check_have_weights(
    const std::string& loss, const at::Tensor& target, int64_t num_weights);

/// Checks that there is a weight for each class of `output`.
/// throws  Error(Input) with both numbers
void check_num_weights(
    const std::string& loss,
    int64_t num_weights,
    int64_t num_classes,
    const at::Tensor& output);

/// Checks that output and target have the same shape and dtype, as losses per
/// element require. The dtype must be floating-point or, if `accepts_complex`,
/// may be complex.
///
/// throws  Error(Input) naming both tensors: they differ, or the dtype isn't
///         accepted
void check_elementwise(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target,
    bool accepts_complex);

}  // namespace pp
