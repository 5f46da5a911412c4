#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// When a send returns if its receive has not been called yet.
enum class Sends {
  Buffered,    ///< at once
  Rendezvous,  ///< once the receive is called
};

/// A rank that can't continue: its next action is `at`, which can't run before
/// rank `on_rank` has performed the action `needs`.
struct Wait {
  int32_t rank = 0;
  Action at;
  Action needs;
  int32_t on_rank = 0;
};

/// Runs a schedule, compute-only or with messages, as far as possible. Returns
/// nullopt if all ranks reach their end. Otherwise returns the ranks that wait
/// for each other: a cycle, or a chain up to a rank that ended without
/// performing the action that is needed. The actions must name stages and
/// microbatches that exist.
std::optional<std::vector<Wait>> find_deadlock(
    const Schedule& schedule, int num_microbatches, Sends sends);

/// Returns a text such as "rank 0 is stuck at 0B0 and waits for 1B0 of rank 1;
/// rank 1 ...".
std::string to_string(const std::vector<Wait>& waits);

}  // namespace pp
