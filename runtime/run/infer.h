#pragma once

#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Runs one rank's part of an inference job: every row of the data once, in
/// order, as one stream (run_forwards). The owner of the last stage writes the
/// outputs to `<output.dir>/outputs.safetensors` as they are computed; memory
/// does not grow with the data. If a signal stops the run and
/// `output.save_on_interrupt` is set, that rank writes the finished rows to
/// `outputs.interrupted.safetensors`. All ranks call it together.
void infer(const Plan& plan, RankContext& context);

}  // namespace pp
