#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Neighbouring stages of one rank, which it does as if they were one.
struct StageRange {
  int first = 0;
  int last = 0;  ///< inclusive
};

/// One range a rank, of a map made by block_placement.
std::vector<StageRange> stage_ranges(const StageMap& map, const Shape& shape);

/// The forwards of one microbatch, first stage first.
void append_forward(
    std::vector<Action>& program, const StageRange& stages, int microbatch);

/// The backwards of one microbatch, last stage first.
void append_backward(
    std::vector<Action>& program, const StageRange& stages, int microbatch);

}  // namespace pp
