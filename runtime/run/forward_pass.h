#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "runtime/executor/executor.h"
#include "runtime/run/step_data.h"
#include "runtime/schedule/schedule.h"

namespace pp {

/// What becomes of the forwards of a data set. The functions are called on the
/// rank's own thread.
struct ForwardPass {
  Pass pass = Pass::Infer;
  uint64_t seed = 0;
  /// On the rank that owns the last stage, after each microbatch, in the order
  /// of the data.
  std::function<void(
      int64_t batch,
      const StepData& data,
      int microbatch,
      const std::map<std::string, at::Tensor>& model_outputs)>
      on_outputs;
  /// When this rank has done its part of a batch; may be empty.
  std::function<void(int64_t batch, const StepData& data)> on_batch;
};

/// Runs every batch of one epoch through the stages, forwards only, as one
/// stream: microbatches of a batch enter before the batch before has left, so
/// the pipeline fills once and drains once. Only the batches under way are in
/// memory. In an error the microbatch is counted from the first batch on. All
/// ranks call it together.
void run_forwards(
    RankContext& context,
    Executor& executor,
    const StageMap& stage_to_rank,
    const DataLoader& data,
    const ForwardPass& pass);

}  // namespace pp
