#pragma once

#include "runtime/schedule/simulate.h"

namespace pp {

struct PeakLive {
  int64_t activations = 0;  ///< one per stage and microbatch
  int64_t bytes = 0;
};

/// Finds the most that one rank keeps for backwards at any point of its list,
/// which depends only on the order of actions. Without backwards, an activation
/// lives only while its forward runs.
PeakLive peak_live(const std::vector<Action>& program, const CostTable& costs);

}  // namespace pp
