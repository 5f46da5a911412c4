#pragma once

#include <string>
#include <vector>

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/run/probe_plan.h"
#include "runtime/schedule/peak_memory.h"

namespace pp {

/// What one rank holds while it runs the plan, in bytes.
struct RankMemory {
  int64_t weights = 0;    ///< parameters, buffers and constants
  int64_t gradients = 0;  ///< of all its parameters
  int64_t optimizer = 0;
  int64_t update = 0;      ///< float32 copies of half-precision gradients
  int64_t checkpoint = 0;  ///< the copy that is saved while training goes on
  int64_t replicas = 0;    ///< gradients on their way to and from the others
  int64_t rows = 0;  ///< of an update and the next batch, that its stages read
  HeldMemory held;   ///< at the fullest moment of its list

  /// The most at once: in its list, or at the update after it.
  int64_t peak() const;
};

/// By the schedule's own liveness, from what a microbatch takes of each stage.
/// launcher  `local` hands messages over; the others copy them
RankMemory rank_memory(
    const Plan& plan, const PlanProbe& probe, int rank, LauncherKind launcher);

/// What `pp run --dry-run` prints: which rank owns which stages, what each
/// rank holds in bytes and at most, what it sends a step, and its actions in
/// order. To know it, one microbatch runs through each stage; nothing is
/// trained or written.
///
/// cost    "": no times; "measured": the stages' own; else see parse_costs.
///         With costs it also prints the simulated step and bubble
/// throws  as a run of the job; Error(Usage): cost that can't be read
std::string dry_run(
    const Plan& plan, LauncherKind launcher, const std::string& cost);

}  // namespace pp
