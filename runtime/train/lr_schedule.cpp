#include "runtime/train/lr_schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

/// What is left of the way from lr to min_lr, 1 at t = 0.
using Shape = double (*)(double t);

struct ShapeRow {
  const char* name;
  Shape remaining;
};

constexpr std::array<ShapeRow, 3> kSchedules = {{
    {"constant", [](double) { return 1.0; }},
    {"linear", [](double t) { return 1 - t; }},
    {"cosine",
     [](double t) { return (1 + std::cos(std::numbers::pi * t)) / 2; }},
}};

const ShapeRow* try_find(const std::string& name) {
  const auto* row = std::ranges::find_if(
      kSchedules,
      [&name](const ShapeRow& entry) { return name == entry.name; });
  return row == kSchedules.end() ? nullptr : row;
}

}  // namespace

std::vector<std::string> lr_schedule_names() {
  std::vector<std::string> names;
  for (const ShapeRow& row : kSchedules) {
    names.emplace_back(row.name);
  }
  return names;
}

void check_lr_schedule(
    const LrScheduleSpec& spec, double lr, int64_t total_steps) {
  if (try_find(spec.name) == nullptr) {
    const std::vector<std::string> names = lr_schedule_names();
    throw usage_error(
        "unknown lr_schedule '" + spec.name + "'; there are " + join(names) +
        did_you_mean(spec.name, names));
  }
  if (spec.warmup < 0 || spec.warmup > total_steps) {
    throw usage_error(
        "lr_schedule: 'warmup' is " + std::to_string(spec.warmup) +
        ", but must be 0 to " + std::to_string(total_steps) +
        ", the run's steps");
  }
  if (!(spec.min_lr >= 0 && spec.min_lr <= lr)) {
    throw usage_error(
        "lr_schedule: 'min_lr' is " + std::to_string(spec.min_lr) +
        ", but must be 0 to the optimizer's lr, " + std::to_string(lr));
  }
}

double learning_rate(
    const LrScheduleSpec& spec, double lr, int64_t total_steps, int64_t step) {
  if (step < spec.warmup) {
    return lr * static_cast<double>(step + 1) /
           static_cast<double>(spec.warmup);
  }
  const ShapeRow* row = try_find(spec.name);
  check(row != nullptr, "check_lr_schedule has passed");
  const int64_t decay_steps = total_steps - spec.warmup;
  const double t = decay_steps > 0
                       ? std::min(
                             1.0,
                             static_cast<double>(step - spec.warmup) /
                                 static_cast<double>(decay_steps))
                       : 1.0;
  const double remaining = row->remaining(t);
  return remaining == 1 ? lr : spec.min_lr + (lr - spec.min_lr) * remaining;
}

}  // namespace pp
