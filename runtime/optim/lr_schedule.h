#pragma once

#include <cstdint>

#include "runtime/options/lr_schedule.h"

namespace pp {

/// Checks the options of a learning rate schedule.
/// throws  Error(Usage): the warm-up is negative or longer than the run, or
///         min_lr is above lr
void check_lr_schedule(
    const LrSchedule& schedule, double lr, int64_t total_steps);

/// Returns the learning rate of a step; a pure function of its arguments.
///
/// step  counted from 0. With w = warmup and T = total_steps:
///   step < w   lr x (step + 1) / w
///   constant   lr
///   linear     min_lr + (lr - min_lr) x (1 - t)
///   cosine     min_lr + (lr - min_lr) x (1 + cos(pi t)) / 2
/// where t = (step - w) / (T - w), at most 1.
double learning_rate(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step);

}  // namespace pp
