#pragma once

#include <functional>
#include <stop_token>

#include "runtime/checkpoint/resume.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// How a training run starts, and how it is asked to stop.
struct TrainingOptions {
  ResumePoint point;
  /// If true, an earlier run's files are removed instead of being set aside.
  bool overwrite = false;
  /// Asks this rank, and thereby all ranks, to finish the step, save a
  /// checkpoint and stop.
  std::stop_token save_and_stop;
  /// Called before the first step; may be empty.
  std::function<void()> on_training;
};

/// Runs one rank's part of a training job, from the first step (or the one
/// after a checkpoint) to the last. All ranks call it together.
///
/// When a rank fails, it first reports the failure to all ranks, then ends the
/// background threads, if possible completes the checkpoint that is being
/// written, and finally throws the failure.
///
/// throws  the failure, with its place in the pipeline; JobFailed with
///         `interrupted` set, after options.save_and_stop
void train(
    const Plan& plan, RankContext& context, const TrainingOptions& options);

}  // namespace pp
