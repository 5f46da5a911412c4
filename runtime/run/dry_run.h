#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/run/probe_plan.h"
#include "runtime/schedule/peak_memory.h"

namespace pp {

/// Memory that one rank needs to run the plan, in bytes.
struct RankMemory {
  int64_t weights = 0;    ///< parameters, buffers and constants
  int64_t gradients = 0;  ///< gradients of all parameters
  int64_t optimizer = 0;
  int64_t update = 0;      ///< float32 copies of half-precision gradients
  int64_t checkpoint = 0;  ///< the copy that is saved while training goes on
  int64_t replicas = 0;    ///< gradients exchanged with other replicas
  int64_t rows = 0;        ///< data of an update and the next batch
  HeldMemory held;         ///< peak of its list of actions

  /// The peak, either during the list of actions or in the update after it.
  int64_t peak() const;
};

/// Computes the memory of one rank from the schedule's liveness and what a
/// microbatch uses in each stage.
/// launcher  `local` hands messages over; the other launchers copy them
RankMemory rank_memory(
    const Plan& plan, const PlanProbe& probe, int rank, LauncherKind launcher);

/// The output of `pp run --dry-run`: for each rank its stages, memory, peak,
/// bytes sent per step and actions in order. One microbatch runs through each
/// stage to measure them; nothing is trained or written.
///
/// cost    "": no times; "measured": the stages' measured times; otherwise see
///         parse_costs. With costs it also prints the simulated step and bubble
/// throws  as run_job(); Error(Usage): `cost` can't be parsed
std::string dry_run(
    const Plan& plan, LauncherKind launcher, const std::string& cost);

}  // namespace pp
