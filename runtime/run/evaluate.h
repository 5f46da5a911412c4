#pragma once

#include "runtime/data/data_loader.h"
#include "runtime/executor/executor.h"
#include "runtime/run/loss_function.h"
#include "runtime/run/mesh.h"

namespace pp {

/// The mean loss over all rows of `data`, in eval mode. All ranks call it
/// together; rank 0 gets the number, the others 0.
///
/// executor       has this rank's stages
/// stage_to_rank  of all stages
double evaluate(
    MeshRank& ranks,
    Executor& executor,
    const StageMap& stage_to_rank,
    LossFunction& loss,
    const DataLoader& data,
    uint64_t seed);

}  // namespace pp
