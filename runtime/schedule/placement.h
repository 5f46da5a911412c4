#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Assigns neighbouring stages to the same rank: 0 0 1 1 2 2. If the number of
/// stages is not a multiple of the ranks, the first ranks own one stage more.
/// throws  Error(Usage): there are fewer stages than ranks
StageMap block_placement(std::string_view schedule, const Shape& shape);

/// Assigns the stages to the ranks in turn: 0 1 2 0 1 2.
/// throws  Error(Usage): the number of stages is not a multiple of the ranks
StageMap loop_placement(std::string_view schedule, const Shape& shape);

/// Assigns the stages to the ranks in a V, down and up again, two to each rank:
/// 0 1 2 2 1 0.
/// throws  Error(Usage): the number of stages is not twice the number of ranks
StageMap v_placement(std::string_view schedule, const Shape& shape);

/// Checks the sizes from which a schedule is to be generated.
/// throws  Error(Usage): a size is below 1
void check_shape(std::string_view schedule, const Shape& shape);

}  // namespace pp
