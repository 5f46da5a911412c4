#include "runtime/optim/grad_norm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/view_as_real.h>

namespace pp {
namespace {

/// Number of independent partial sums. They let the compiler use vector
/// registers, and because their number is fixed, so is the order of additions.
constexpr int64_t kLanes = 16;

template <typename T>
double sum_squares(const T* data, int64_t count) {
  std::array<double, kLanes> lanes{};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(data[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (int64_t i = whole; i < count; ++i) {
    const auto value = static_cast<double>(data[i]);
    lanes[i - whole] += value * value;
  }
  double sum = 0;
  for (const double lane : lanes) {
    sum += lane;
  }
  return sum;
}

/// The gradient as real numbers: |z|^2 is the sum of the squares of both parts.
at::Tensor as_real(const at::Tensor& gradient) {
  const at::Tensor plain = gradient.detach();
  return plain.is_complex() ? at::view_as_real(plain.resolve_conj()) : plain;
}

}  // namespace

double sum_of_squares(const at::Tensor& gradient) {
  if (!gradient.defined()) {
    return 0;
  }
  const at::NoGradGuard no_grad;
  at::Tensor dense = as_real(gradient).cpu();
  if (!dense.is_non_overlapping_and_dense()) {
    dense = dense.contiguous();
  }
  if (dense.scalar_type() == at::kDouble) {
    return sum_squares(dense.const_data_ptr<double>(), dense.numel());
  }
  dense = dense.to(at::kFloat);  // exact from half and bfloat16
  return sum_squares(dense.const_data_ptr<float>(), dense.numel());
}

std::vector<double> sums_of_squares(std::span<const at::Tensor> gradients) {
  const at::NoGradGuard no_grad;
  std::vector<double> sums(gradients.size(), 0);
  std::vector<at::Tensor> elsewhere;
  std::vector<size_t> places;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const at::Tensor& gradient = gradients[i];
    if (gradient.defined() && !gradient.device().is_cpu()) {
      elsewhere.push_back(
          at::linalg_vector_norm(
              as_real(gradient), 2, std::nullopt, false, at::kDouble)
              .square_()
              .reshape({1}));
      places.push_back(i);
    } else {
      sums[i] = sum_of_squares(gradient);
    }
  }
  if (!elsewhere.empty()) {
    const at::Tensor all = at::cat(elsewhere).cpu();
    for (size_t k = 0; k < places.size(); ++k) {
      sums[places[k]] = all.const_data_ptr<double>()[k];
    }
  }
  return sums;
}

double total_norm(std::span<const double> squares) {
  double sum = 0;
  for (const double square : squares) {
    sum += square;
  }
  return std::sqrt(sum);
}

double clip_coefficient(double norm, double max_norm) {
  const double coefficient = max_norm / (norm + 1e-6);
  return coefficient > 1 ? 1 : coefficient;  // written so that NaN stays NaN
}

void scale_gradients(std::span<const at::Tensor> gradients, double factor) {
  if (factor == 1) {
    return;
  }
  const at::NoGradGuard no_grad;
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined()) {
      gradient.mul_(factor);
    }
  }
}

}  // namespace pp
