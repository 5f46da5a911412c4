#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// A pair of ranks of which the first sends messages to the second.
struct Channel {
  int from = 0;
  int to = 0;
  auto operator<=>(const Channel&) const = default;
};

/// Returns the channels that a lowered schedule uses, in an order in which they
/// can be opened: each rank opens its own channels one after another, each time
/// waiting for the other end. This can't deadlock, because both ends of the
/// first channel that is not open yet have nothing to open before it.
std::vector<Channel> channels_of(const Schedule& schedule);

}  // namespace pp
