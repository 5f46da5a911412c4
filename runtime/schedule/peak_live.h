#pragma once

#include "runtime/schedule/simulate.h"

namespace pp {

struct PeakLive {
  /// Number of activations, each of one stage and microbatch.
  int64_t activations = 0;
  int64_t bytes = 0;
};

/// Returns the largest number of activations that one rank keeps for backwards
/// at any point of its list, and their largest total size. Both depend only on
/// the order of actions. If the list has no backwards, an activation lives only
/// while its forward runs.
PeakLive peak_live(const std::vector<Action>& program, const CostTable& costs);

}  // namespace pp
