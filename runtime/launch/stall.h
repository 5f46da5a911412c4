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
  /// Why the rank can't respond: "its process is stopped"; empty if it can.
  std::string silence;
};

/// Returns the cause of a wait that ran out of time. The rank that was waited
/// for may itself wait for another rank: the cause is the rank at the end of
/// that chain. If the chain is a ring, a message was lost, and the cause
/// remains the rank that waited.
///
/// waited   the cause as the waiting rank sees it
/// ranks    the state of each rank
/// returns  the cause, whose details say which rank waits for which message
Cause explain_stall(const Cause& waited, const std::vector<RankState>& ranks);

}  // namespace pp
