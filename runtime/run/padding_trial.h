#pragma once

#include "runtime/data/data_loader.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Checks, for inference with a fixed batch, that the last microbatch may be
/// filled with copies of a row. That is so if each output has one part per row,
/// which doesn't depend on the other rows. The microbatch runs twice, with
/// different padding rows; the stages' states are restored afterwards. All
/// ranks call it together, before the run.
///
/// options  the options of the run's data loader, for which pads() must be true
/// throws   Error(Usage) naming the output, on the owner of the last stage: an
///          output depends on the padding
void try_padding(
    const Plan& plan,
    RankContext& context,
    RankStages& stages,
    Executor& executor,
    DataLoaderOptions options);

}  // namespace pp
