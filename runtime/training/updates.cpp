#include "runtime/training/updates.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/optim/grad_norm.h"

namespace pp {

namespace {

/// The key of the loss scale in a checkpoint's state.
constexpr const char* kLossScale = "loss_scale";
/// The key of the names of the states that the optimizer keeps. Those of a
/// parameter are in a checkpoint once an update has reached it.
constexpr const char* kKeptStates = "optimizer_states";

std::set<std::string> kept_states(const OptimizerConfig& optimizer) {
  std::set<std::string> names;
  const auto add = [&](const OptimizerOptions& options) {
    // Some optimizers keep other states for matrices.
    for (const int64_t num_dims : {1, 2}) {
      for (const OptimizerState& state :
           optimizer.states(options, {.num_dims = num_dims})) {
        names.emplace(state.name);
      }
    }
  };
  add(optimizer.options);
  for (const OptimizerGroup& group : optimizer.groups) {
    add(group.options);
  }
  return names;
}

/// Whether the checkpoint names the states that its optimizer kept, and they
/// are all that this one keeps. Older checkpoints name none.
bool has_kept_states(
    const OptimizerConfig& optimizer, const CheckpointState& state) {
  const auto found = state.job.find(kKeptStates);
  if (found == state.job.end()) {
    return false;
  }
  const std::vector<std::string> saved = split_text(found->second, ',');
  for (const std::string& name : kept_states(optimizer)) {
    if (std::ranges::find(saved, name) == saved.end()) {
      throw input_error(
          "checkpoint: it was saved with an optimizer that keeps no '" + name +
          "'; restore the options of train.optimizer, or start a new run "
          "from this checkpoint with model.checkpoint");
    }
  }
  return true;
}

}  // namespace

bool may_lack_state(
    const OptimizerConfig& optimizer, const CheckpointState& state) {
  // An optimizer has no state yet if every update was left out, or if none
  // reached its stage. In older checkpoints, the loss scale is the only sign
  // that this is possible.
  return has_kept_states(optimizer, state) || state.job.contains(kLossScale);
}

Updates::Updates(
    const TrainConfig& train,
    Replicas& replicas,
    std::function<bool(int stage)> keeps_gradients)
    : optimizer_(train.optimizer),
      clip_grad_norm_(train.clip_grad_norm),
      keeps_gradients_(std::move(keeps_gradients)),
      replicas_(replicas) {
  for (const auto& [index, parameters] : replicas.parameters()) {
    optimizers_.emplace(index, make_optimizer(train.optimizer, parameters));
  }
  if (train.precision == Precision::Float16) {
    scale_.emplace();
  }
}

bool Updates::apply(
    double grad_norm,
    double lr,
    const std::function<void(int stage)>& on_stage) {
  const double scale = loss_scale();
  const bool overflow = scale_ && !std::isfinite(grad_norm);
  if (scale_) {
    scale_->update(overflow);
  }
  if (!overflow) {
    if (clip_grad_norm_ || scale != 1) {
      scale_all(
          (clip_grad_norm_ ? clip_coefficient(grad_norm, *clip_grad_norm_)
                           : 1) /
          scale);
    }
    for (auto& [index, optimizer] : optimizers_) {
      if (on_stage) {
        on_stage(index);
      }
      optimizer->step(lr);
    }
  }
  zero_grad();
  replicas_.after_update();
  return overflow;
}

void Updates::use_averages() {
  if (!optimizer_.ema_decay) {
    return;
  }
  for (auto& [index, optimizer] : optimizers_) {
    optimizer->use_averages();
  }
  replicas_.after_update();
}

void Updates::use_parameters() {
  if (!optimizer_.ema_decay) {
    return;
  }
  for (auto& [index, optimizer] : optimizers_) {
    optimizer->use_parameters();
  }
  replicas_.after_update();
}

void Updates::leave_out() {
  zero_grad();
  replicas_.after_update();
}

void Updates::scale_all(double factor) {
  std::vector<at::Tensor> gradients;
  for (auto& [index, optimizer] : optimizers_) {
    for (const NamedParameter& parameter : optimizer->parameters()) {
      gradients.push_back(parameter.tensor.grad());
    }
  }
  scale_gradients(gradients, factor);
}

void Updates::zero_grad() {
  for (auto& [index, optimizer] : optimizers_) {
    optimizer->zero_grad(keeps_gradients_ && keeps_gradients_(index));
  }
}

void Updates::save(CheckpointState& state) const {
  if (scale_) {
    state.job[kLossScale] = scale_->text();
  }
  const std::set<std::string> kept = kept_states(optimizer_);
  state.job[kKeptStates] = join(kept, ",");
}

void Updates::load(const CheckpointState& state, const TensorLookup& find) {
  const bool may_be_new = may_lack_state(optimizer_, state);
  for (const auto& [index, optimizer] : optimizers_) {
    optimizer->load_state(replicas_.share_of_state(index, find), may_be_new);
  }
  const auto scale = state.job.find(kLossScale);
  if (scale_ && scale != state.job.end()) {
    scale_ = LossScale::parse(scale->second);
  }
}

}  // namespace pp
