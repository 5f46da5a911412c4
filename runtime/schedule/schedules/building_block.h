#pragma once

#include <string_view>

#include "runtime/schedule/schedule.h"

namespace pp {

/// How one microbatch crosses the V: the units of time from one rank to the
/// next in each of its four passages. F, I and W take one unit each. The peak
/// number of live microbatches is the sum of the four numbers times num_ranks /
/// 12.
struct Hops {
  int forward_down = 1;
  int forward_up = 1;
  int input_down = 1;  ///< input gradients of the second half
  int input_up = 1;    ///< input gradients of the first half
};

/// Makes a V schedule that repeats the pattern of one microbatch every six
/// units (F, I and W of two stages), as close together as the ranks allow.
/// Weight gradients run when a rank would be idle, and at the latest where the
/// pattern has room for them.
Schedule repeat_building_block(
    std::string_view name, const Shape& shape, const Hops& hops);

}  // namespace pp
