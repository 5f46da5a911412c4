#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/schedule/peak_memory.h"
#include "runtime/schedule/simulate.h"

namespace pp {

/// Memory and time of a plan's stages, measured with the job's first rows.
struct PlanProbe {
  std::vector<StageMemory> memory;  ///< by stage
  CostTable costs;  ///< by stage, in seconds; messages cost nothing
  std::vector<double> split_ratios;  ///< by stage; see StageProbe
  /// Bytes of a step's rows, by model input; the target under "".
  std::map<std::string, int64_t> row_bytes;
};

/// Runs one microbatch through each stage in turn, on one thread; never holds
/// more than one stage. Writes nothing.
///
/// num_timed  see probe_stage
/// throws     as a run of the job: data, shapes, operators
PlanProbe probe_plan(const Plan& plan, int num_timed);

}  // namespace pp
