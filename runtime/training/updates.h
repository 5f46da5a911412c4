#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "loader/archive/checkpoint_state.h"
#include "runtime/job/job.h"
#include "runtime/optim/loss_scale.h"
#include "runtime/optim/optimizer.h"
#include "runtime/training/replicas.h"

namespace pp {

/// Updates a rank's parameters once a step's gradients are complete: clips the
/// gradients, undoes the loss scale of float16, and runs each stage's
/// optimizer.
class Updates {
 public:
  /// keeps_gradients  whether a stage's gradients are zeroed in place after an
  ///                  update instead of being dropped; empty: for no stage
  /// throws           as make_optimizer
  Updates(
      const TrainConfig& train,
      Replicas& replicas,
      std::function<bool(int stage)> keeps_gradients = nullptr);

  const std::map<int, std::unique_ptr<Optimizer>>& optimizers() const {
    return optimizers_;
  }
  double base_lr() const { return optimizers_.begin()->second->base_lr(); }

  /// The factor on the loss before backwards; 1 except when training in
  /// float16.
  double loss_scale() const { return scale_ ? scale_->scale() : 1; }

  /// Updates the parameters, or drops gradients that overflowed in float16.
  /// Every rank has the same norm and makes the same decision.
  ///
  /// grad_norm  norm of the model's gradients, without the loss scale
  /// on_stage   called before each stage's optimizer; may be empty
  /// returns    whether the gradients were dropped
  bool apply(
      double grad_norm,
      double lr,
      const std::function<void(int stage)>& on_stage = nullptr);

  /// Skips an update: drops the gradients, whatever they hold.
  void leave_out();

  /// Adds the loss scale, and which states the optimizer keeps, to a
  /// checkpoint's state.
  void save(CheckpointState& state) const;
  /// Restores optimizers and loss scale from a checkpoint.
  ///
  /// find    looks up the checkpoint's tensors
  /// throws  as Optimizer::load_state; Error(Input): the checkpoint was saved
  ///         with an optimizer that doesn't keep all of these states
  void load(const CheckpointState& state, const TensorLookup& find);

 private:
  void scale_all(double factor);
  void zero_grad();

  OptimizerConfig optimizer_;
  std::optional<double> clip_grad_norm_;
  std::function<bool(int stage)> keeps_gradients_;
  Replicas& replicas_;
  std::map<int, std::unique_ptr<Optimizer>> optimizers_;
  std::optional<LossScale> scale_;  ///< in float16
};

}  // namespace pp
