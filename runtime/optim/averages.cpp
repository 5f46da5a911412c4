// The moving averages of an optimizer's parameters.

#include <ATen/core/grad_mode.h>

#include "runtime/optim/optimizer.h"
#include "runtime/optim/optimizer_share.h"

namespace pp {

at::Tensor Optimizer::averaged(size_t parameter) const {
  const at::Tensor& own = masters_[parameter].defined()
                              ? masters_[parameter]
                              : parameters_[parameter].tensor;
  return own.detach().to(state_type(own));
}

void Optimizer::update_averages() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor current = averaged(i);
    if (averages_[i].defined()) {
      averages_[i].lerp_(current, 1 - *config_.ema_decay);
    } else {
      averages_[i] = current.clone();
    }
  }
}

void Optimizer::use_averages() {
  const at::NoGradGuard no_grad;
  replaced_.clear();
  // Keep all values first: parameters may share memory.
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (averages_[i].defined()) {
      replaced_.push_back(parameters_[i].tensor.detach().clone());
    }
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (averages_[i].defined()) {
      parameters_[i].tensor.copy_(averages_[i]);
    }
  }
}

void Optimizer::use_parameters() {
  const at::NoGradGuard no_grad;
  auto next = replaced_.begin();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (averages_[i].defined()) {
      parameters_[i].tensor.copy_(*next++);
    }
  }
  replaced_.clear();
}

}  // namespace pp
