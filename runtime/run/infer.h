#pragma once

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"

namespace pp {

/// One rank's part of an inference job: every row of the data once, in order,
/// as one stream (run_forwards). The owner of the last stage writes
/// `<output.dir>/outputs.safetensors` as outputs complete; memory does not grow
/// with the data. All ranks call it together.
void infer(const Plan& plan, RankContext& context);

}  // namespace pp
