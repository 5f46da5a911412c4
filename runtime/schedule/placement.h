#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Puts neighbouring stages on the same rank: 0 0 1 1 2 2. If the numbers don't
/// divide, the first ranks own one stage more.
/// throws Error(Usage): fewer stages than ranks
StageMap block_placement(std::string_view schedule, const Shape& shape);

/// Deals the stages to the ranks in turn: 0 1 2 0 1 2.
/// throws Error(Usage): the number of stages is not a multiple of the ranks
StageMap loop_placement(std::string_view schedule, const Shape& shape);

/// Puts the stages on the ranks in a V, down and up again, two on each rank: 0
/// 1 2 2 1 0.
/// throws Error(Usage): the number of stages is not twice the number of ranks
StageMap v_placement(std::string_view schedule, const Shape& shape);

/// Checks the sizes of a schedule.
/// throws Error(Usage): a size below 1
void check_shape(std::string_view schedule, const Shape& shape);

}  // namespace pp
