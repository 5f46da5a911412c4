#pragma once

#include "runtime/schedule/simulate.h"

namespace pp {

struct PeakLive {
  int64_t activations = 0;  ///< of one stage and microbatch each
  int64_t bytes = 0;
};

/// The most that one rank keeps for backwards at any point of its list. It
/// depends on the order alone. Without backwards an activation lives only
/// while its forward runs.
PeakLive peak_live(const std::vector<Action>& program, const CostTable& costs);

}  // namespace pp
