#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// A pair of ranks: `from` sends messages to `to`.
struct Channel {
  int from = 0;
  int to = 0;
  auto operator<=>(const Channel&) const = default;
};

/// Returns the channels that a lowered schedule uses. Each rank has to open its
/// own channels in this order and wait each time for the other end. That can't
/// deadlock: both ranks of the first channel that isn't open yet have opened
/// all their earlier channels, so neither waits at another one.
std::vector<Channel> channels_of(const Schedule& schedule);

}  // namespace pp
