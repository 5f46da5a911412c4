#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/run/probe_plan.h"
#include "runtime/schedule/peak_memory.h"

namespace pp {

/// The memory that one rank needs to run the plan, in bytes.
struct RankMemory {
  int64_t weights = 0;    ///< parameters, buffers and constants
  int64_t gradients = 0;  ///< gradients of all parameters
  int64_t optimizer = 0;
  int64_t update = 0;      ///< float32 copies of half-precision gradients
  int64_t checkpoint = 0;  ///< copy that is saved while training continues
  /// Buffers for gradients exchanged with other replicas.
  int64_t replicas = 0;
  int64_t rows = 0;  ///< data of one update, and a batch read in advance
  HeldMemory held;   ///< memory held at the peak of the list of actions

  /// Returns the peak, which is either during the list of actions or in the
  /// update after it.
  int64_t peak() const;
};

/// Computes the memory of one rank from the schedule and from what a microbatch
/// uses in each stage.
///
/// launcher  determines how messages are sent: `local` hands them over, other
///           launchers copy them
RankMemory rank_memory(
    const Plan& plan, const PlanProbe& probe, int rank, LauncherKind launcher);

/// Returns the output of `pp run --dry-run`: for each rank its stages, memory,
/// peak, bytes sent per step, and actions in order. One microbatch runs through
/// each stage to measure what the stage needs; nothing is trained or written.
///
/// cost     "": no times; "measured": the measured times of the stages;
///          otherwise costs as parse_costs() reads them. With costs, the output
///          includes the simulated step time and bubble
/// options  how the job would be run
/// throws   what run_job() throws; Error(Usage): `cost` can't be parsed
std::string dry_run(
    const Plan& plan,
    LauncherKind launcher,
    const std::string& cost,
    const RunOptions& options);

}  // namespace pp
