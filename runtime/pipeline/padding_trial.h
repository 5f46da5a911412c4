#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/data/data_loader.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/stage/stage.h"

namespace pp {

/// A run over data whose last microbatch is to be filled with copies of a row.
struct PaddedRun {
  const DataConfig& data;
  /// The job file's table of the data, for messages: "data" or "eval.data".
  std::string table;
  /// Options of the run's data loader, for which pads() must be true.
  DataLoaderOptions options;
  Pass pass = Pass::Infer;
  /// Returns the rule by which the run joins the microbatches' values of an
  /// output; nullopt if the run doesn't use the output.
  std::function<std::optional<OutputRule>(const std::string& output)> rule_of;
  /// Completes the message "output 'x' ..." if the run can't use an output with
  /// fewer rows than its microbatch; empty if it can.
  std::string obstacle = {};
};

/// Checks that copies of a row may fill the last microbatch of a run with a
/// fixed batch. That is so if each output that the run uses has one part per
/// row, and no part depends on the other rows. The microbatch runs twice, with
/// different padding rows; the stages' states are restored afterwards. All
/// ranks of the pipeline call it together, before the run.
///
/// throws  Error(Usage) naming the output, on the owner of the last stage: an
///         output depends on the padding
void try_padding(
    const Plan& plan,
    RankContext& context,
    RankStages& stages,
    Executor& executor,
    PaddedRun run);

}  // namespace pp
