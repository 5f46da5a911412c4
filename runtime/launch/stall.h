#pragma once

#include <string>
#include <vector>

#include "runtime/launch/activity.h"
#include "runtime/launch/failure.h"

namespace pp {

/// What is known of a rank when a wait of another has run out.
struct RankState {
  std::string host;
  Doing doing;
  /// Why it can't answer: "its process is stopped"; empty: it shows life.
  std::string silence;
};

/// One rank waited in vain for another, which may itself wait for a third: the
/// cause is the one at the end of that chain. Where the chain is a ring, a
/// message was lost on the way, and the cause stays the one that waited.
///
/// waited   its own account
/// ranks    by rank
/// returns  the cause, with who waits for which message from whom as details
Cause explain_stall(const Cause& waited, const std::vector<RankState>& ranks);

}  // namespace pp
