#include "runtime/optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "loader/core/error.h"

namespace pp {
namespace {

/// The fraction of the distance between two rates that is left at t; 1 at
/// t = 0, and 0 at t = 1.
double remaining(LrAnneal anneal, double t) {
  switch (anneal) {
    case LrAnneal::Linear:
      return 1 - t;
    case LrAnneal::Cosine:
      return (1 + std::cos(std::numbers::pi * t)) / 2;
    case LrAnneal::Sqrt:
      return 1 - std::sqrt(t);
  }
  check(false, "every curve has a case");
  return 1;
}

/// How much of `num_steps` steps has passed when `step` of them are done, from
/// 0 to 1.
double progress(int64_t step, int64_t num_steps) {
  return num_steps > 0
             ? std::clamp(
                   static_cast<double>(step) / static_cast<double>(num_steps),
                   0.0,
                   1.0)
             : 1.0;
}

/// The number of steps over which wsd falls.
int64_t decay_steps(const LrSchedule& schedule, int64_t total_steps) {
  constexpr int64_t kUsualPart = 10;
  return schedule.decay.value_or(std::min(
      (total_steps + kUsualPart - 1) / kUsualPart,
      total_steps - schedule.warmup));
}

/// The fraction of the distance from min_lr to lr that is left after the
/// warm-up.
double remaining_at(
    const LrSchedule& schedule, int64_t total_steps, int64_t step) {
  const double t =
      progress(step - schedule.warmup, total_steps - schedule.warmup);
  switch (schedule.shape) {
    case LrShape::Linear:
      return remaining(LrAnneal::Linear, t);
    case LrShape::Cosine:
      return remaining(LrAnneal::Cosine, t);
    case LrShape::Wsd: {
      const int64_t decay = decay_steps(schedule, total_steps);
      const int64_t begin = total_steps - decay;
      return step < begin ? 1
                          : remaining(
                                schedule.anneal.value_or(LrAnneal::Linear),
                                progress(step - begin, decay));
    }
    case LrShape::Constant:
    case LrShape::OneCycle:
      return 1;
  }
  check(false, "a shape has no case");
  return 1;
}

/// The rate of OneCycleLR, which rises until a step that need not be whole.
double one_cycle(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step) {
  const auto at = static_cast<double>(std::min(step, total_steps - 1));
  const double first = lr / schedule.div_factor;
  const double last = first / schedule.final_div_factor;
  const double peak = schedule.pct_start * static_cast<double>(total_steps) - 1;
  const bool rises = at <= peak;
  const double from = rises ? first : lr;
  const double to = rises ? lr : last;
  const double begin = rises ? 0 : peak;
  const double end = rises ? peak : static_cast<double>(total_steps - 1);
  // The peak in step 0 leaves no step to rise in; torch divides by 0 there.
  const double t = end > begin ? (at - begin) / (end - begin) : 1;
  // In torch's order of operations, so that the last bits are torch's.
  if (schedule.anneal.value_or(LrAnneal::Cosine) == LrAnneal::Linear) {
    return (to - from) * t + from;
  }
  return to + (from - to) / 2.0 * (std::cos(std::numbers::pi * t) + 1);
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
  const int64_t longest = total_steps - schedule.warmup;
  if (schedule.decay && (*schedule.decay < 0 || *schedule.decay > longest)) {
    throw usage_error(
        "lr_schedule: 'decay' is " + std::to_string(*schedule.decay) +
        ", but must be from 0 to the " + std::to_string(longest) +
        " steps after the warm-up");
  }
  if (schedule.shape == LrShape::OneCycle &&
      schedule.anneal == LrAnneal::Sqrt) {
    throw usage_error(
        "lr_schedule: one_cycle anneals by 'linear' or 'cosine', as "
        "OneCycleLR does, not by 'sqrt'");
  }
}

double learning_rate(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step) {
  if (schedule.shape == LrShape::OneCycle) {
    return one_cycle(schedule, lr, total_steps, step);
  }
  if (step < schedule.warmup) {
    return lr * static_cast<double>(step + 1) /
           static_cast<double>(schedule.warmup);
  }
  const double left = remaining_at(schedule, total_steps, step);
  return left == 1 ? lr : schedule.min_lr + (lr - schedule.min_lr) * left;
}

}  // namespace pp
