#pragma once

#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// The sum of the squares of all entries, in double, in one fixed order that
/// depends on the tensor's memory order alone: not on threads nor on what else
/// is on this rank. 0 for an undefined tensor.
double sum_of_squares(const at::Tensor& gradient);

/// The same for several. What lies on another device is added up there, in its
/// own order, and waited for once.
std::vector<double> sums_of_squares(std::span<const at::Tensor> gradients);

/// The global gradient norm.
///
/// squares  sum_of_squares of every parameter of the model, in FQN order, a
///          tied parameter once
double total_norm(std::span<const double> squares);

/// What to scale gradients by so that their norm is at most max_norm:
/// max_norm / (norm + 1e-6), at most 1; NaN where the norm is.
/// source  torch.nn.utils.clip_grad_norm_
double clip_coefficient(double norm, double max_norm);

/// Multiplies in place, skipping undefined gradients; nothing happens for 1.
void scale_gradients(std::span<const at::Tensor> gradients, double factor);

}  // namespace pp
