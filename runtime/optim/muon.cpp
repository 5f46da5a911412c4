#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ops/addmm.h>

#include "loader/core/error.h"
#include "runtime/optim/adam.h"
#include "runtime/optim/optimizers.h"

namespace pp {
namespace {

// The defaults of torch.optim.Muon.
constexpr std::array<double, 3> kCoefficients = {3.4445, -4.7750, 2.0315};
constexpr double kSmallestNorm = 1e-7;

/// Returns a matrix with the singular vectors of `matrix` whose singular values
/// are all near 1, computed in bfloat16 by iterations of Newton and Schulz.
at::Tensor orthogonal(const at::Tensor& matrix, int64_t num_iterations) {
  const auto& [a, b, c] = kCoefficients;
  const bool is_tall = matrix.size(0) > matrix.size(1);
  at::Tensor out =
      matrix.to(at::kBFloat16, /*non_blocking=*/false, /*copy=*/true);
  if (is_tall) {
    out = out.t();
  }
  out.div_(out.norm().clamp_min(kSmallestNorm));
  for (int64_t i = 0; i < num_iterations; ++i) {
    const at::Tensor gram = out.matmul(out.t());
    const at::Tensor update = at::addmm(gram, gram, gram, b, c);
    out = at::addmm(out, update, out, a);
  }
  return is_tall ? out.t() : out;
}

double adjusted_lr(double lr, AdjustLr adjust, const at::Tensor& matrix) {
  const auto rows = static_cast<double>(matrix.size(0));
  const auto columns = static_cast<double>(matrix.size(1));
  switch (adjust) {
    case AdjustLr::Original:
      return lr * std::sqrt(std::max(1.0, rows / columns));
    case AdjustLr::MatchRmsAdamW:
      return lr * (0.2 * std::sqrt(std::max(rows, columns)));
    case AdjustLr::SpectralUnclamped:
      return lr * std::sqrt(rows / columns);
  }
  check(false, "every adjustment has a case");
  return lr;
}

/// Muon for matrices, AdamW for all other parameters.
class Muon final : public Adam {
 public:
  Muon(OptimizerConfig config, std::vector<NamedParameter> parameters)
      : Adam(
            std::move(config),
            std::move(parameters),
            /*decoupled_weight_decay=*/true) {}

 private:
  void update(const Batch& batch, double lr) override {
    Batch others;
    for (const size_t i : batch.parameters) {
      if (!orthogonalizes(options_[i], form(i))) {
        others.parameters.push_back(i);
      } else if (const at::Tensor grad = gradient(i); grad.defined()) {
        update_matrix(i, grad, lr);
      }
    }
    if (!others.parameters.empty()) {
      Adam::update(others, lr);
    }
  }

  void update_matrix(size_t parameter, const at::Tensor& grad, double lr) {
    const OptimizerOptions& options = options_[parameter];
    if (states_[parameter].empty()) {
      states_[parameter] = initial_state(parameter);
    }
    const at::Tensor& buffer = states_[parameter].front();
    buffer.lerp_(grad, 1 - options.momentum);
    const at::Tensor direction =
        options.nesterov ? grad.lerp(buffer, options.momentum) : buffer;
    const at::Tensor update = orthogonal(direction, options.ns_steps);
    const at::Tensor& matrix = target(parameter);
    matrix.mul_(1 - lr * options.weight_decay);
    matrix.add_(update, -adjusted_lr(lr, options.adjust_lr_fn, matrix));
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_muon(
    OptimizerConfig config, std::vector<NamedParameter> parameters) {
  return std::make_unique<Muon>(std::move(config), std::move(parameters));
}

}  // namespace pp
