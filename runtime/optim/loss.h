#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "runtime/options/loss.h"

namespace pp {

/// Computes the loss of one microbatch. Stateless: one object serves all
/// microbatches.
class Loss {
 public:
  virtual ~Loss() = default;

  /// Returns the weight of a microbatch in the mean over the step. It is the
  /// number of elements that enter the loss: for cross_entropy and nll, the
  /// targets other than kIgnoreIndex, or the sum of their classes' weights; for
  /// mse, l1 and bce_with_logits, all. For a loss that is a graph's output, it
  /// is the number of rows. May be 0.
  ///
  /// target    the microbatch's target; undefined for a loss without a target
  /// num_rows  the number of rows of the microbatch
  /// throws    Error(Input): see ClassLossOptions::weight_checks_targets
  virtual double weight(const at::Tensor& target, int64_t num_rows) const = 0;

  /// Whether compute() reads its target.
  virtual bool takes_target() const { return true; }

  /// Returns the mean loss of the microbatch as a scalar that carries the
  /// autograd graph. It has the same bits as torch.nn.functional's, except for
  /// a microbatch of weight 0: torch returns NaN or infinity, this function the
  /// sum over its targets, which is the numerator of the mean. It is 0 unless
  /// labels are smoothed and the classes of all targets weigh 0.
  ///
  /// weight  what weight() returned for this microbatch
  /// throws  Error(Input): shapes or dtypes don't fit (names both), or there
  ///         are more or fewer class weights than classes; on the CPU also a
  ///         class that is out of range (names it). Other devices would have to
  ///         wait for this check
  virtual at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const = 0;
  /// Like the other overload, with the weight computed from `target`, which
  /// must be on the CPU.
  at::Tensor compute(const at::Tensor& output, const at::Tensor& target) const {
    return compute(output, target, weight(target, 1));
  }
};

/// The options of losses over classes; other losses ignore them.
struct ClassLossOptions {
  double label_smoothing = 0;
  /// The weight of each class, float64 [C]; undefined: each weighs 1.
  at::Tensor weights = {};
  /// Whether weight() refuses a target without a class weight. For devices on
  /// which compute() can't; elsewhere compute() has the better message.
  bool weight_checks_targets = false;
};

/// Makes a built-in loss.
std::unique_ptr<Loss> make_loss(
    LossKind kind, const ClassLossOptions& options = {});

/// Makes the loss for a graph that computes its own loss. That loss is the
/// graph's output, a mean over its rows.
std::unique_ptr<Loss> make_output_loss();

}  // namespace pp
