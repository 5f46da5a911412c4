#pragma once

#include <string>
#include <vector>

#include "runtime/rank/activity.h"
#include "runtime/rank/failure.h"

namespace pp {

/// The state of a rank when another rank's wait has run out of time.
struct RankState {
  std::string host;
  ActivityState activity;
  /// Why it can't respond: "its process is stopped"; empty if it is alive.
  std::string silence;
};

/// Finds the cause of a wait that ran out of time. The rank that was waited for
/// may itself wait for another: the cause is the rank at the end of that chain.
/// If the chain is a ring, a message was lost, and the cause remains the rank
/// that waited.
///
/// waited   the cause as the waiting rank sees it
/// ranks    states by rank
/// returns  the cause; its details say which rank waits for which message
Cause explain_stall(const Cause& waited, const std::vector<RankState>& ranks);

}  // namespace pp
