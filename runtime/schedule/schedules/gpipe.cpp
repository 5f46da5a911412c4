#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/blocks.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// GPipe (Huang et al. 2019, arXiv:1811.06965).
//
// Every rank keeps the activations of all microbatches alive:
//   1  all forwards
//   2  all backwards, in the same order
Schedule gpipe(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = block_placement("GPipe", shape);
  for (const StageRange& stages : stage_ranges(out.stage_to_rank, shape)) {
    auto& program = out.ranks.emplace_back();
    for (int mb = 0; mb < shape.num_microbatches; ++mb) {
      append_forward(program, stages, mb);
    }
    for (int mb = 0; mb < shape.num_microbatches; ++mb) {
      append_backward(program, stages, mb);
    }
  }
  return out;
}

}  // namespace pp
