#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// What a send does when its receiver isn't there yet.
enum class Sends {
  Buffered,    ///< goes on
  Rendezvous,  ///< waits until the receiver lists the message
};

/// A rank that can't go on: it stands at `at` and needs `needs`, which is
/// `on_rank`'s to do.
struct Wait {
  int32_t rank = 0;
  Action at;
  Action needs;
  int32_t on_rank = 0;
};

/// Runs a schedule, compute-only or with messages, as far as it goes. Gives
/// nothing if that is the end; else the ranks that wait for each other, in
/// the order of a cycle, or the chain up to a rank that ended without doing
/// what is needed. Its actions must name stages and microbatches that exist.
std::optional<std::vector<Wait>> find_deadlock(
    const Schedule& schedule, int num_microbatches, Sends sends);

/// "rank 0 stands at 0B0 and waits for 1B0 of rank 1; rank 1 ..."
std::string to_string(const std::vector<Wait>& waits);

}  // namespace pp
