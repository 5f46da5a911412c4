#pragma once

#include "runtime/data/data_loader.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Checks that copies of a row may fill the last microbatch when inferring with
/// a fixed batch: each output must have a part per row that doesn't depend on
/// the other rows. The microbatch runs twice, with different padding rows; the
/// states of the stages are restored afterwards. All ranks call it together,
/// before the run.
///
/// options  those of the run's data, whose loader pads()
/// throws   Error(Usage) naming the output, on the owner of the last stage
void try_padding(
    const Plan& plan,
    RankContext& context,
    RankStages& stages,
    Executor& executor,
    DataLoaderOptions options);

}  // namespace pp
