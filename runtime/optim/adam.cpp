#include <utility>

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include "runtime/optim/optimizers.h"

namespace pp {
namespace {

/// Adam and AdamW, which differ only in the kernel.
class Adam final : public Optimizer {
 public:
  Adam(
      OptimizerConfig config,
      std::vector<NamedParameter> parameters,
      bool decoupled_weight_decay)
      : Optimizer(std::move(config), std::move(parameters)),
        decoupled_weight_decay_(decoupled_weight_decay) {}

 private:
  /// Positions in a State, as adam_states orders them.
  enum Position : size_t { kStep, kExpAvg, kExpAvgSq, kMaxExpAvgSq };

  /// The lists that a kernel walks, one entry per parameter with a gradient.
  struct Lists {
    std::vector<at::Tensor> tensors;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> exp_avgs;
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> max_exp_avg_sqs;  ///< empty without amsgrad
    std::vector<at::Tensor> steps;
  };

  /// Collects a batch's tensors and counts the step.
  Lists lists_of(const Batch& batch, bool amsgrad) {
    Lists out;
    for (const size_t i : batch.parameters) {
      const at::Tensor grad = gradient(i);
      if (!grad.defined()) {
        continue;
      }
      State& state = states_[i];
      if (state.empty()) {
        state = initial_state(i);
      }
      state[kStep].add_(1);
      out.tensors.push_back(real(target(i)));
      out.grads.push_back(real(grad));
      out.exp_avgs.push_back(real(state[kExpAvg]));
      out.exp_avg_sqs.push_back(real(state[kExpAvgSq]));
      if (amsgrad) {
        out.max_exp_avg_sqs.push_back(real(state[kMaxExpAvgSq]));
      }
      out.steps.push_back(state[kStep]);
    }
    return out;
  }

  void update(const Batch& batch, double lr) override {
    const OptimizerOptions& options = options_[batch.parameters.front()];
    const Lists lists = lists_of(batch, options.amsgrad);
    if (lists.tensors.empty()) {
      return;
    }
    // Both have a second overload with a tensor as lr.
    using Kernel = void (*)(
        at::TensorList,
        at::TensorList,
        at::TensorList,
        at::TensorList,
        at::TensorList,
        at::TensorList,
        double,
        double,
        double,
        double,
        double,
        bool,
        bool,
        const std::optional<at::Tensor>&,
        const std::optional<at::Tensor>&);
    const Kernel kernel = decoupled_weight_decay_
                              ? static_cast<Kernel>(at::_fused_adamw_)
                              : static_cast<Kernel>(at::_fused_adam_);
    kernel(
        lists.tensors,
        lists.grads,
        lists.exp_avgs,
        lists.exp_avg_sqs,
        lists.max_exp_avg_sqs,
        lists.steps,
        lr,
        options.betas[0],
        options.betas[1],
        options.weight_decay,
        options.eps,
        options.amsgrad,
        /*maximize=*/false,
        std::nullopt,
        std::nullopt);
  }

  bool decoupled_weight_decay_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(
    OptimizerConfig config, std::vector<NamedParameter> parameters) {
  return std::make_unique<Adam>(
      std::move(config), std::move(parameters), false);
}

std::unique_ptr<Optimizer> make_adamw(
    OptimizerConfig config, std::vector<NamedParameter> parameters) {
  return std::make_unique<Adam>(std::move(config), std::move(parameters), true);
}

}  // namespace pp
