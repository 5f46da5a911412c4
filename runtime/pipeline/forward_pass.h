#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "runtime/pipeline/early_end.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/schedule/schedule.h"

namespace pp {

/// How to run the forwards of a data set, and what to do with their results.
/// The functions are called on the rank's own thread.
struct ForwardPass {
  Pass pass = Pass::Infer;
  uint64_t seed = 0;
  /// Called on the rank that owns the last stage, after each microbatch, in the
  /// order of the data.
  std::function<void(
      int64_t batch,
      const StepData& data,
      int microbatch,
      const std::map<std::string, at::Tensor>& model_outputs)>
      on_outputs;
  /// Called when this rank has finished its actions for a batch; may be empty.
  std::function<void(int64_t batch, const StepData& data)> on_batch;
  /// Says whether the pass should end early; null: it never does.
  /// run_forwards() asks it on all ranks of the job about twice a second.
  EarlyEnd* early_end = nullptr;
};

/// Runs every batch of one epoch through the stages, forwards only, as one
/// stream: a batch enters before the previous one has left, so the pipeline
/// fills once and drains once. Memory holds only batches in flight. Microbatch
/// numbers continue from batch to batch. All ranks call it together.
///
/// Returns false if pass.early_end ended the pass early: no new microbatch has
/// begun since, and those in flight have been finished.
bool run_forwards(
    RankContext& context,
    Executor& executor,
    const StageMap& stage_to_rank,
    const DataLoader& data,
    const ForwardPass& pass);

}  // namespace pp
