#pragma once

#include <vector>

#include "runtime/optim/optimizer.h"

namespace pp {

/// Adam and AdamW, which differ only in the kernel.
class Adam : public Optimizer {
 public:
  Adam(
      OptimizerConfig config,
      std::vector<NamedParameter> parameters,
      bool decoupled_weight_decay);

 protected:
  void update(const Batch& batch, double lr) override;

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

  Lists lists_of(const Batch& batch, bool amsgrad);

  bool decoupled_weight_decay_;
};

}  // namespace pp
