#pragma once

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/run/resume.h"

namespace pp {

/// One rank's part of a training job, from its first step (or the newest
/// checkpoint's) to the last. All ranks call it together.
/// throws what goes wrong, with its place in the pipeline
void train(const Plan& plan, RankContext& context, const ResumePoint& point);

}  // namespace pp
