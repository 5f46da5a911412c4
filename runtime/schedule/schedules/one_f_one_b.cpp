#include <algorithm>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/blocks.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// 1F1B, also called PipeDream-Flush (Narayanan et al. 2021, arXiv:2006.09503).
//
// Rank r keeps at most num_ranks - r microbatches alive:
//   1  warm-up    num_ranks - r forwards (fewer with fewer microbatches)
//   2  steady     one backward, one forward
//   3  cool-down  the remaining backwards
Schedule one_f_one_b(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = block_placement("1F1B", shape);
  for (const StageRange& stages : stage_ranges(out.stage_to_rank, shape)) {
    const int rank = static_cast<int>(out.ranks.size());
    const int warm_up =
        std::min(shape.num_ranks - rank, shape.num_microbatches);
    auto& program = out.ranks.emplace_back();
    int next_forward = 0;
    while (next_forward < warm_up) {
      append_forward(program, stages, next_forward++);
    }
    for (int mb = 0; mb < shape.num_microbatches; ++mb) {
      append_backward(program, stages, mb);
      if (next_forward < shape.num_microbatches) {
        append_forward(program, stages, next_forward++);
      }
    }
  }
  return out;
}

}  // namespace pp
