#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Proves that a schedule can be executed and does all the work once:
/// placement; for each stage and microbatch one F, and with `training` one B
/// or one I then one W; F before B along the stages; every send has one
/// receive; first in, first out for each ordered pair of ranks; no deadlock,
/// whether sends are buffered or wait for their receiver. Takes compute-only
/// and lowered schedules alike.
/// throws Error(Usage), with the counter-example: a cycle of who waits for whom
void validate(const Schedule& schedule, int num_microbatches, bool training);

}  // namespace pp
