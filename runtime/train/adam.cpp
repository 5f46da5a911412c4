#include <utility>

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>

#include "runtime/train/optimizers.h"

namespace pp {
namespace {

/// Adam, and AdamW, which differs in the kernel alone.
class Adam final : public Optimizer {
 public:
  Adam(
      std::vector<NamedParameter> parameters,
      std::vector<OptimizerOptions> options,
      double base_lr,
      bool decoupled_weight_decay)
      : Optimizer(std::move(parameters), std::move(options), base_lr),
        decoupled_weight_decay_(decoupled_weight_decay) {}

 private:
  void update(double lr) override {
    for (const Batch& batch : batches_) {
      update(batch, lr_of(batch, lr));
    }
  }

  enum Kind : size_t { kStep, kExpAvg, kExpAvgSq, kMaxExpAvgSq };

  std::vector<std::string> kinds(size_t parameter) const override {
    std::vector<std::string> out = {"step", "exp_avg", "exp_avg_sq"};
    if (options_[parameter].amsgrad) {
      out.emplace_back("max_exp_avg_sq");
    }
    return out;
  }

  State initial_state(size_t parameter) const override {
    // A float32 step whatever the parameter's dtype, as torch's fused ones.
    State out = {at::zeros(
        {},
        parameters_[parameter]
            .tensor.options()
            .dtype(at::kFloat)
            .requires_grad(false))};
    while (out.size() < kinds(parameter).size()) {
      out.push_back(zeros(parameter));
    }
    return out;
  }

  void update(const Batch& batch, double lr) {
    const OptimizerOptions& options = options_[batch.parameters.front()];
    std::vector<at::Tensor> tensors;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> exp_avgs;
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> max_exp_avg_sqs;
    std::vector<at::Tensor> steps;
    for (const size_t i : batch.parameters) {
      at::Tensor grad = gradient(i);
      if (!grad.defined()) {
        continue;
      }
      State& state = states_[i];
      if (state.empty()) {
        state = initial_state(i);
      }
      state[kStep].add_(1);
      tensors.push_back(target(i));
      grads.push_back(std::move(grad));
      exp_avgs.push_back(state[kExpAvg]);
      exp_avg_sqs.push_back(state[kExpAvgSq]);
      if (options.amsgrad) {
        max_exp_avg_sqs.push_back(state[kMaxExpAvgSq]);
      }
      steps.push_back(state[kStep]);
    }
    if (tensors.empty()) {
      return;
    }
    // Both have a second overload, whose lr is a tensor.
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
        tensors,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        steps,
        lr,
        options.beta1,
        options.beta2,
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
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr) {
  return std::make_unique<Adam>(
      std::move(parameters), std::move(options), base_lr, false);
}

std::unique_ptr<Optimizer> make_adamw(
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr) {
  return std::make_unique<Adam>(
      std::move(parameters), std::move(options), base_lr, true);
}

}  // namespace pp
