#include <utility>

#include <ATen/ops/_fused_sgd.h>

#include "runtime/optim/optimizers.h"

namespace pp {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(OptimizerConfig config, std::vector<NamedParameter> parameters)
      : Optimizer(std::move(config), std::move(parameters)) {}

 private:
  void update(const Batch& batch, double lr) override {
    // Sort them before either call: a parameter's first step makes its buffer.
    std::vector<size_t> first;
    std::vector<size_t> later;
    const bool keeps_momentum =
        options_[batch.parameters.front()].momentum != 0;
    for (const size_t i : batch.parameters) {
      (keeps_momentum && states_[i].empty() ? first : later).push_back(i);
    }
    update(first, lr, /*first=*/true);
    update(later, lr, /*first=*/false);
  }

  /// Updates parameters with equal options. If `first`, they have no momentum
  /// buffer yet: the kernel sets it to the gradient, without dampening.
  void update(const std::vector<size_t>& indices, double lr, bool first) {
    std::vector<at::Tensor> tensors;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> buffers;
    for (const size_t i : indices) {
      const at::Tensor grad = gradient(i);
      if (!grad.defined()) {
        continue;
      }
      if (first) {
        states_[i] = initial_state(i);
      }
      tensors.push_back(real(target(i)));
      grads.push_back(real(grad));
      for (const at::Tensor& buffer : states_[i]) {
        buffers.push_back(real(buffer));
      }
    }
    if (tensors.empty()) {
      return;
    }
    const OptimizerOptions& options = options_[indices.front()];
    at::_fused_sgd_(
        tensors,
        grads,
        buffers,
        options.weight_decay,
        options.momentum,
        lr,
        options.dampening,
        options.nesterov,
        /*maximize=*/false,
        first);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(
    OptimizerConfig config, std::vector<NamedParameter> parameters) {
  return std::make_unique<Sgd>(std::move(config), std::move(parameters));
}

}  // namespace pp
