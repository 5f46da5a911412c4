#pragma once

#include <cstdint>

#include "runtime/options/lr_schedule.h"

namespace pp {

/// Checks the options of a learning rate schedule against the run.
/// throws  Error(Usage): the warm-up and the decay are negative or longer than
///         the run, min_lr is above lr, or one_cycle has to anneal by a root
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
///   wsd        lr before the last d = decay steps; in these, min_lr +
///              (lr - min_lr) x f(u), where u = (step - (T - d)) / d and f(u)
///              is 1 - u (linear), (1 + cos(pi u)) / 2 (cosine) or 1 - sqrt(u)
///   one_cycle  torch.optim.lr_scheduler.OneCycleLR with max_lr = lr and
///              two phases: without a warm-up, from lr / div_factor to lr in
///              step pct_start T - 1, and then to lr / (div_factor x
///              final_div_factor) in step T - 1
double learning_rate(
    const LrSchedule& schedule, double lr, int64_t total_steps, int64_t step);

}  // namespace pp
