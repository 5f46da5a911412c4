#include "runtime/optim/loss_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "loader/core/error.h"

namespace pp {

namespace {

constexpr double kGrowth = 2;
constexpr double kBackoff = 0.5;
constexpr int64_t kGrowthInterval = 2000;
// A smaller scale would lose the loss itself in float32. Gradients that
// overflow at this scale do so for another reason.
constexpr double kLeast = 0x1p-100;

}  // namespace

void LossScale::update(bool overflowed) {
  if (overflowed) {
    scale_ = std::max(scale_ * kBackoff, kLeast);
    good_steps_ = 0;
    return;
  }
  if (++good_steps_ < kGrowthInterval) {
    return;
  }
  good_steps_ = 0;
  // The loss is a float32, so the scale must be one too.
  if (scale_ * kGrowth <= std::numeric_limits<float>::max()) {
    scale_ *= kGrowth;
  }
}

std::string LossScale::text() const {
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::max_digits10);
  out << scale_ << ' ' << good_steps_;
  return out.str();
}

LossScale LossScale::parse(const std::string& text) {
  LossScale out;
  std::istringstream in(text);
  std::string rest;
  if (!(in >> out.scale_ >> out.good_steps_) || in >> rest ||
      !(out.scale_ > 0) || !std::isfinite(out.scale_) || out.good_steps_ < 0) {
    throw input_error(
        "the checkpoint's loss scale is '" + text +
        "'; expected a scale above 0 and a number of steps, e.g. '65536 17'");
  }
  return out;
}

}  // namespace pp
