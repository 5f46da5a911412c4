#pragma once

#include "runtime/checkpoint/resume.h"
#include "runtime/job/job.h"

namespace pp {

/// Sets the seed of a job with `train.seed = "clock"`: that of the newest
/// checkpoint if the run continues from one, or else the microseconds of the
/// clock. Leaves other jobs as they are. Ranks that are processes must use what
/// rank 0 gets.
void settle_seed(Job& job, Resume resume);

}  // namespace pp
