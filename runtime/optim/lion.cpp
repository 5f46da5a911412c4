#include <utility>

#include "runtime/optim/optimizers.h"

namespace pp {
namespace {

class Lion final : public Optimizer {
 public:
  Lion(OptimizerConfig config, std::vector<NamedParameter> parameters)
      : Optimizer(std::move(config), std::move(parameters)) {}

 private:
  void update(const Batch& batch, double lr) override {
    for (const size_t i : batch.parameters) {
      const at::Tensor grad = gradient(i);
      if (!grad.defined()) {
        continue;
      }
      if (states_[i].empty()) {
        states_[i] = initial_state(i);
      }
      update(
          real(target(i)),
          real(grad),
          real(states_[i].front()),
          lr,
          options_[i]);
    }
  }

  static void update(
      const at::Tensor& tensor,
      const at::Tensor& grad,
      const at::Tensor& exp_avg,
      double lr,
      const OptimizerOptions& options) {
    const auto& [beta1, beta2] = options.betas;
    tensor.mul_(1 - lr * options.weight_decay);
    const at::Tensor direction = exp_avg.mul(beta1).add_(grad, 1 - beta1);
    tensor.add_(direction.sign_(), -lr);
    exp_avg.mul_(beta2).add_(grad, 1 - beta2);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(
    OptimizerConfig config, std::vector<NamedParameter> parameters) {
  return std::make_unique<Lion>(std::move(config), std::move(parameters));
}

}  // namespace pp
