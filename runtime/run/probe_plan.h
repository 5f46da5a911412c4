#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/run/run_job.h"
#include "runtime/schedule/peak_memory.h"
#include "runtime/schedule/simulate.h"

namespace pp {

/// The memory and time of a plan's stages, measured with the job's first rows.
struct PlanProbe {
  std::vector<StageMemory> memory;  ///< memory of each stage
  CostTable costs;  ///< costs of each stage, in seconds; messages cost nothing
  std::vector<double> split_ratios;  ///< ratio of each stage, see StageProbe
  /// The size in bytes of a step's rows, by model input; the target's under "".
  std::map<std::string, int64_t> row_bytes;
};

/// Runs one microbatch through each stage in turn, on one thread, with never
/// more than one stage in memory. Opens the data of [eval], too, and the
/// checkpoint that the run would start from, see StartCheck. Writes nothing.
///
/// num_timed  how often each action is timed, see probe_stage()
/// options    how the job would be run
/// throws     what a run of the job throws for its data, checkpoint, shapes and
///            operators
PlanProbe probe_plan(
    const Plan& plan, int num_timed, const RunOptions& options = {});

}  // namespace pp
