#pragma once

#include <cstdint>

#include "runtime/options/lr_schedule.h"

namespace pp {

/// Checks the options of a schedule.
/// throws  Error(Usage): negative warm-up or more warm-up than steps; min_lr
///         above lr
void check_lr_schedule(
    const LrSchedule& schedule, double lr, int64_t total_steps);

/// The learning rate of a step; a pure function of its arguments.
///
/// step  from 0; with w = warmup and T = total_steps:
///   step < w   lr x (step + 1) / w
///   constant   lr
///   linear     min_lr + (lr - min_lr) x (1 - t)
///   cosine     min_lr + (lr - min_lr) x (1 + cos(pi t)) / 2
/// where t = (step - w) / (T - w), at most 1.
double learning_rate(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step);

}  // namespace pp
