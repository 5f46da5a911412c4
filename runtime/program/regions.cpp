#include "runtime/program/regions.h"

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>
#include <c10/core/GradMode.h>

namespace pp {

Regions::Regions()
    : caller_grad_(c10::GradMode::is_enabled()), grad_(caller_grad_) {}

Regions::~Regions() {
  set_grad(true);
  leave_autocast();
}

void Regions::set_grad(bool grad) {
  const bool wanted = caller_grad_ && grad;
  if (wanted != grad_) {
    c10::GradMode::set_enabled(wanted);
    grad_ = wanted;
  }
}

void Regions::set_autocast(const ir::Autocast* autocast) {
  if (autocast == autocast_) {
    return;
  }
  leave_autocast();
  autocast_ = autocast;
  if (autocast == nullptr) {
    return;
  }
  const auto type = c10::Device(autocast->device_type).type();
  saved_ = Saved{
      at::autocast::is_autocast_enabled(type),
      static_cast<int>(at::autocast::get_autocast_dtype(type)),
      at::autocast::is_autocast_cache_enabled()};
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(type, autocast->enabled);
  at::autocast::set_autocast_dtype(
      type, static_cast<at::ScalarType>(autocast->dtype));
  at::autocast::set_autocast_cache_enabled(autocast->cache_enabled);
}

void Regions::leave_autocast() {
  if (autocast_ == nullptr) {
    return;
  }
  const auto type = c10::Device(autocast_->device_type).type();
  if (at::autocast::decrement_nesting() == 0) {
    at::autocast::clear_cache();
  }
  at::autocast::set_autocast_enabled(type, saved_->enabled);
  at::autocast::set_autocast_dtype(
      type, static_cast<at::ScalarType>(saved_->dtype));
  at::autocast::set_autocast_cache_enabled(saved_->cache);
  autocast_ = nullptr;
}

}  // namespace pp
