#pragma once

#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// Returns the sum of the squares of a tensor's entries, computed in double
/// precision; 0 for an undefined tensor. The order of additions depends only on
/// the tensor's memory order, not on the number of threads or on other tensors
/// of the rank.
double sum_of_squares(const at::Tensor& gradient);

/// Returns the sum of squares of each tensor, in the order of `gradients`.
/// Tensors on a device are summed on the device, in its own order of additions;
/// the call waits for the device only once.
std::vector<double> sums_of_squares(std::span<const at::Tensor> gradients);

/// Returns the norm of all gradients of the model, the square root of the sum
/// of `squares`.
///
/// squares  sum_of_squares() of every parameter of the model, in FQN order; a
///          tied parameter occurs once
double total_norm(std::span<const double> squares);

/// Returns the factor that limits a gradient norm to `max_norm`: max_norm /
/// (norm + 1e-6), at most 1; NaN if `norm` is NaN.
/// source  torch.nn.utils.clip_grad_norm_
double clip_coefficient(double norm, double max_norm);

/// Multiplies gradients in place by `factor`. Skips undefined ones; does
/// nothing if `factor` is 1.
void scale_gradients(std::span<const at::Tensor> gradients, double factor);

}  // namespace pp
