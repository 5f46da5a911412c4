#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Proves that a schedule, compute-only or lowered, can be executed and does
/// all the work once: the placement is right; each stage and microbatch has one
/// F and, with `training`, one B, or one I and then one W; F comes before B
/// along the stages; every send has one receive; messages of an ordered pair of
/// ranks are first in, first out; there is no deadlock, whether sends are
/// buffered or wait for their receiver.
///
/// throws  Error(Usage) with the counter-example, such as a cycle of ranks that
///         wait for each other
void validate(const Schedule& schedule, int num_microbatches, bool training);

}  // namespace pp
