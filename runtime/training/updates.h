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

/// Whether a checkpoint may lack optimizer state, because it may have been
/// saved before the first update.
///
/// throws  Error(Input): the checkpoint was saved with an optimizer that
///         doesn't keep all states of `optimizer`
bool may_lack_state(
    const OptimizerConfig& optimizer, const CheckpointState& state);

/// Updates a rank's parameters once a step's gradients are complete: clips the
/// gradients, undoes the loss scale of float16, and runs each stage's
/// optimizer.
class Updates {
 public:
  /// keeps_gradients  returns whether a stage's gradients are zeroed in place
  ///                  after an update instead of being dropped; empty: they are
  ///                  dropped for every stage
  /// throws           what make_optimizer() throws
  Updates(
      const TrainConfig& train,
      Replicas& replicas,
      std::function<bool(int stage)> keeps_gradients = nullptr);

  const std::map<int, std::unique_ptr<Optimizer>>& optimizers() const {
    return optimizers_;
  }
  double base_lr() const { return optimizers_.begin()->second->base_lr(); }

  /// The factor by which the loss is multiplied before each backward. It is 1
  /// unless the job trains in float16.
  double loss_scale() const { return scale_ ? scale_->scale() : 1; }

  /// Updates the parameters; in float16, drops the gradients instead if they
  /// overflowed. Every rank passes the same norm and so makes the same
  /// decision.
  ///
  /// grad_norm  norm of the model's gradients after dividing by the loss scale
  /// on_stage   called before the optimizer of each stage runs; may be empty
  /// returns    true if the gradients were dropped
  bool apply(
      double grad_norm,
      double lr,
      const std::function<void(int stage)>& on_stage = nullptr);

  /// Replaces the parameters by their moving averages on all replicas, see
  /// Optimizer::use_averages(), and undoes that. All replicas call each of them
  /// together. They do nothing if the job keeps no averages.
  void use_averages();
  void use_parameters();

  /// Skips an update: drops the gradients, whatever their values.
  void leave_out();

  /// Adds the loss scale, and the names of the states that the optimizer keeps,
  /// to a checkpoint's state.
  void save(CheckpointState& state) const;
  /// Restores the optimizers and the loss scale from a checkpoint.
  ///
  /// state   the checkpoint's state
  /// find    looks up the checkpoint's tensors
  /// throws  what Optimizer::load_state() and may_lack_state() throw
  void load(const CheckpointState& state, const TensorLookup& find);

 private:
  void scale_all(double factor);
  void zero_grad();

  OptimizerConfig optimizer_;
  std::optional<double> clip_grad_norm_;
  std::function<bool(int stage)> keeps_gradients_;
  Replicas& replicas_;
  std::map<int, std::unique_ptr<Optimizer>> optimizers_;
  /// nullopt unless the job trains in float16.
  std::optional<LossScale> scale_;
};

}  // namespace pp
