#include "runtime/optim/adam.h"

#include <utility>

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include "runtime/optim/optimizers.h"

namespace pp {

Adam::Adam(
    OptimizerConfig config,
    std::vector<NamedParameter> parameters,
    bool decoupled_weight_decay)
    : Optimizer(std::move(config), std::move(parameters)),
      decoupled_weight_decay_(decoupled_weight_decay) {}

/// Collects a batch's tensors and counts the step.
Adam::Lists Adam::lists_of(const Batch& batch, bool amsgrad) {
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

void Adam::update(const Batch& batch, double lr) {
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
