#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Neighbouring stages share a rank: 0 0 1 1 2 2. If the numbers don't divide,
/// the first ranks own one stage more.
/// throws Error(Usage): fewer stages than ranks
StageMap block_placement(std::string_view schedule, const Shape& shape);

/// Stages go round the ranks: 0 1 2 0 1 2.
/// throws Error(Usage): stages aren't a multiple of ranks
StageMap loop_placement(std::string_view schedule, const Shape& shape);

/// Stages go down the ranks and up again, two on each: 0 1 2 2 1 0.
/// throws Error(Usage): stages aren't twice the ranks
StageMap v_placement(std::string_view schedule, const Shape& shape);

/// throws Error(Usage): a size below 1
void check_shape(std::string_view schedule, const Shape& shape);

}  // namespace pp
