#include <utility>

#include <ATen/ops/_fused_sgd.h>

#include "runtime/train/optimizers.h"

namespace pp {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(std::vector<NamedParameter> parameters,
      std::vector<OptimizerOptions> options,
      double base_lr)
      : Optimizer(std::move(parameters), std::move(options), base_lr) {}

 private:
  void update(double lr) override {
    for (const Batch& batch : batches_) {
      // Sorted before either call: the first step makes the buffer.
      std::vector<size_t> first;
      std::vector<size_t> later;
      const bool keeps_momentum =
          options_[batch.parameters.front()].momentum != 0;
      for (const size_t i : batch.parameters) {
        (keeps_momentum && states_[i].empty() ? first : later).push_back(i);
      }
      update(first, lr_of(batch, lr), /*first=*/true);
      update(later, lr_of(batch, lr), /*first=*/false);
    }
  }

  std::vector<std::string> kinds(size_t parameter) const override {
    if (options_[parameter].momentum == 0) {
      return {};
    }
    return {"momentum_buffer"};
  }

  State initial_state(size_t parameter) const override {
    if (options_[parameter].momentum == 0) {
      return {};
    }
    return {zeros(parameter)};
  }

  /// Updates parameters of equal options. `first`: they have no momentum buffer
  /// yet; the kernel sets it to the gradient, without dampening.
  void update(const std::vector<size_t>& indices, double lr, bool first) {
    std::vector<at::Tensor> tensors;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> buffers;
    for (const size_t i : indices) {
      at::Tensor grad = gradient(i);
      if (!grad.defined()) {
        continue;
      }
      if (first) {
        states_[i] = initial_state(i);
      }
      tensors.push_back(target(i));
      grads.push_back(std::move(grad));
      buffers.insert(buffers.end(), states_[i].begin(), states_[i].end());
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
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr) {
  return std::make_unique<Sgd>(
      std::move(parameters), std::move(options), base_lr);
}

}  // namespace pp
