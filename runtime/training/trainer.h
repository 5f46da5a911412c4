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
  /// Removes an earlier run's files instead of setting them aside.
  bool overwrite = false;
  /// Asks this rank, and thereby all, to finish the step, save and stop.
  std::stop_token save_and_stop;
  /// Called before the first step; may be empty.
  std::function<void()> on_training;
};

/// Runs one rank's part of a training job, from the first step (or the one
/// after a checkpoint) to the last. All ranks call it together.
///
/// A failure is first reported to all ranks; then the threads that work beside
/// the loop end, and a checkpoint being written is completed if possible; then
/// the failure is thrown.
/// throws the failure, with its place in the pipeline; JobFailed, interrupted,
///        after options.save_and_stop
void train(
    const Plan& plan, RankContext& context, const TrainingOptions& options);

}  // namespace pp
