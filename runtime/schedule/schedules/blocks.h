#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Neighbouring stages that a rank runs as if they were one.
struct StageRange {
  int first = 0;
  int last = 0;  ///< inclusive
};

/// Returns the range of stages of each rank, for a map made by
/// block_placement().
std::vector<StageRange> stage_ranges(const StageMap& map, const Shape& shape);

/// Appends the forwards of one microbatch, first stage first.
void append_forward(
    std::vector<Action>& program, const StageRange& stages, int microbatch);

/// Appends the backwards of one microbatch, last stage first.
void append_backward(
    std::vector<Action>& program, const StageRange& stages, int microbatch);

}  // namespace pp
