#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The behaviour of a send whose receive has not been called yet.
enum class Sends {
  Buffered,    ///< the send returns at once
  Rendezvous,  ///< the send waits for the receive
};

/// A rank that can't continue: its next action is `at`, which needs the action
/// `needs` of rank `on_rank`.
struct Wait {
  int32_t rank = 0;
  Action at;
  Action needs;
  int32_t on_rank = 0;
};

/// Runs a schedule, compute-only or with messages, as far as possible. Returns
/// nullopt if all ranks reach their end; otherwise the ranks that wait for each
/// other: a cycle, or a chain up to a rank that ended without performing the
/// action that is needed. The actions must name stages and microbatches that
/// exist.
std::optional<std::vector<Wait>> find_deadlock(
    const Schedule& schedule, int num_microbatches, Sends sends);

/// "rank 0 is stuck at 0B0 and waits for 1B0 of rank 1; rank 1 ..."
std::string to_string(const std::vector<Wait>& waits);

}  // namespace pp
