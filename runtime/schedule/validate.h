#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Checks that a schedule, compute-only or lowered, can be executed and does
/// all its work exactly once. Every stage is on a rank that exists. Each stage
/// and microbatch has one F and, with `training`, one B, or one I and later one
/// W, in an order that the stages allow. Every send has one receive, and two
/// ranks list their common messages in the same order. No ranks deadlock, even
/// if sends wait for their receivers.
///
/// throws  Error(Usage) with the counter-example, such as a cycle of ranks that
///         wait for each other
void validate(const Schedule& schedule, int num_microbatches, bool training);

}  // namespace pp
