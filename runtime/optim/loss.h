#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "runtime/options/loss.h"

namespace pp {

/// A loss of one microbatch. Stateless: one object serves all microbatches.
class Loss {
 public:
  virtual ~Loss() = default;

  /// The weight of this microbatch in the mean over the step: the number of
  /// elements that count (targets other than kIgnoreIndex for cross_entropy and
  /// nll, all for mse, l1 and bce_with_logits), or of rows if the loss is an
  /// output of the graph. May be 0.
  ///
  /// target    undefined for a loss without a target
  /// num_rows  rows of the microbatch
  virtual double weight(const at::Tensor& target, int64_t num_rows) const = 0;

  /// Whether compute() reads its target.
  virtual bool takes_target() const { return true; }

  /// The mean over the microbatch: a scalar that carries the autograd graph,
  /// bit-identical to torch.nn.functional. A microbatch of weight 0 gives 0
  /// with gradients of 0; torch gives NaN.
  ///
  /// weight  the result of weight()
  /// throws  Error(Input) naming both shapes or dtypes if they don't fit, or
  ///         the class that is out of range (only on the CPU: on other devices
  ///         the check would have to wait)
  virtual at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const = 0;
  /// Computes the weight from `target`, which must be on the CPU.
  at::Tensor compute(const at::Tensor& output, const at::Tensor& target) const {
    return compute(output, target, weight(target, 1));
  }
};

/// A built-in loss.
std::unique_ptr<Loss> make_loss(LossKind kind);

/// The loss that the graph computes itself: its output, a mean over its rows.
std::unique_ptr<Loss> make_output_loss();

}  // namespace pp
