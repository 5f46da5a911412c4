#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// One direction between two ranks.
struct Channel {
  int from = 0;
  int to = 0;
  auto operator<=>(const Channel&) const = default;
};

/// The directions that a lowered schedule sends in. Each rank that opens its
/// own in this order, one after another, each time waiting for the other end,
/// gets to the end: of what is not open, the ranks of the first have nothing
/// before it.
std::vector<Channel> channels_of(const Schedule& schedule);

}  // namespace pp
