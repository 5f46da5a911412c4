#pragma once

#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// The sum of the squares of all entries, in double. The order of additions
/// depends only on the tensor's memory order, not on threads or on other
/// tensors of this rank. 0 for an undefined tensor.
double sum_of_squares(const at::Tensor& gradient);

/// Sums of squares of several tensors. Tensors on a device are summed there, in
/// the device's own order of additions, with one wait for all.
std::vector<double> sums_of_squares(std::span<const at::Tensor> gradients);

/// The global gradient norm.
///
/// squares  sum_of_squares of every parameter of the model, in FQN order, a
///          tied parameter once
double total_norm(std::span<const double> squares);

/// The factor that limits the norm of gradients to max_norm: max_norm / (norm +
/// 1e-6), at most 1; NaN if the norm is NaN.
/// source  torch.nn.utils.clip_grad_norm_
double clip_coefficient(double norm, double max_norm);

/// Multiplies gradients in place by `factor`. Skips undefined ones; does
/// nothing if `factor` is 1.
void scale_gradients(std::span<const at::Tensor> gradients, double factor);

}  // namespace pp
