#include "runtime/optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "loader/core/error.h"

namespace pp {
namespace {

/// The part of the distance from min_lr to lr that is left at t; 1 at t = 0.
double remaining(LrShape shape, double t) {
  switch (shape) {
    case LrShape::Constant:
      return 1;
    case LrShape::Linear:
      return 1 - t;
    case LrShape::Cosine:
      return (1 + std::cos(std::numbers::pi * t)) / 2;
  }
  check(false, "a shape has no case");
  return 1;
}

}  // namespace

void check_lr_schedule(
    const LrSchedule& schedule, double lr, int64_t total_steps) {
  if (schedule.warmup < 0 || schedule.warmup > total_steps) {
    throw usage_error(
        "lr_schedule: 'warmup' is " + std::to_string(schedule.warmup) +
        ", but must be from 0 to the run's " + std::to_string(total_steps) +
        " steps");
  }
  if (!(schedule.min_lr >= 0 && schedule.min_lr <= lr)) {
    throw usage_error(
        "lr_schedule: 'min_lr' is " + std::to_string(schedule.min_lr) +
        ", but must be from 0 to the optimizer's lr, " + std::to_string(lr));
  }
}

double learning_rate(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step) {
  if (step < schedule.warmup) {
    return lr * static_cast<double>(step + 1) /
           static_cast<double>(schedule.warmup);
  }
  const int64_t decay_steps = total_steps - schedule.warmup;
  const double t = decay_steps > 0
                       ? std::min(
                             1.0,
                             static_cast<double>(step - schedule.warmup) /
                                 static_cast<double>(decay_steps))
                       : 1.0;
  const double left = remaining(schedule.shape, t);
  return left == 1 ? lr : schedule.min_lr + (lr - schedule.min_lr) * left;
}

}  // namespace pp
