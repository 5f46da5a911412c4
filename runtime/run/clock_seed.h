#pragma once

#include "runtime/checkpoint/resume.h"
#include "runtime/job/job.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Sets the seed of a job with `train.seed = "clock"`: that of the newest
/// checkpoint if the run continues from one, or else the microseconds of the
/// clock. Leaves other jobs as they are. For a process that plans alone.
void settle_seed(Job& job, const ResumePoint& point);

/// Does the same on all ranks of the job together, which get the same seed: the
/// checkpoint may be in the folder of any of them. The clock is rank 0's, and
/// rank 0's `point` applies to all.
void settle_seed_together(
    Job& job, const ResumePoint& point, RankContext& context);

}  // namespace pp
