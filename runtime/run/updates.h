#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "runtime/job/job.h"
#include "runtime/run/checkpoints.h"
#include "runtime/run/replicas.h"
#include "runtime/train/loss_scale.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// What happens to a rank's parameters once a step's gradients are complete:
/// clipping, the loss scale of float16, optimizers by stage.
class Updates {
 public:
  /// keeps_gradients  whether a stage's gradients become zeros where they are,
  ///                  and not none, after an update; empty: of no stage
  /// throws           Error(Usage): an optimizer that can't be made so
  Updates(
      const TrainConfig& train,
      Replicas& replicas,
      std::function<bool(int stage)> keeps_gradients = nullptr);

  const std::map<int, std::unique_ptr<Optimizer>>& optimizers() const {
    return optimizers_;
  }
  double base_lr() const { return optimizers_.begin()->second->base_lr(); }

  /// What the loss is multiplied by before backwards; 1 but for float16.
  double loss_scale() const { return scale_ ? scale_->scale() : 1; }

  /// Updates, or drops gradients that float16 did not hold. Every rank knows
  /// the norm, and comes to the same.
  ///
  /// grad_norm  of the model's gradients, without the loss scale
  /// on_stage   called before each stage's optimizer; may be empty
  /// returns    whether they were dropped
  bool apply(
      double grad_norm,
      double lr,
      const std::function<void(int stage)>& on_stage = nullptr);

  /// The loss scale into and from a checkpoint's state.
  void save(CheckpointState& state) const;
  void load(const CheckpointState& state);

 private:
  void scale_all(double factor);
  void zero_grad();

  std::optional<double> clip_grad_norm_;
  std::function<bool(int stage)> keeps_gradients_;
  Replicas& replicas_;
  std::map<int, std::unique_ptr<Optimizer>> optimizers_;
  std::optional<LossScale> scale_;  ///< float16
};

}  // namespace pp
