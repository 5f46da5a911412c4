#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// Breadth-first pipeline (Lamy-Poirier 2022, arXiv:2211.05953). Stages go
// round the ranks; a rank finishes one stage before it begins the next:
//   1  all forwards of each of its stages, first stage first
//   2  all backwards of each of its stages, last stage first, and the
//      microbatches in descending order
Schedule looped_bfs(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = loop_placement("LoopedBFS", shape);
  const int last_round = shape.num_stages - shape.num_ranks;
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    auto& program = out.ranks.emplace_back();
    for (int stage = rank; stage < shape.num_stages; stage += shape.num_ranks) {
      for (int mb = 0; mb < shape.num_microbatches; ++mb) {
        program.push_back({stage, mb, ActionKind::Forward});
      }
    }
    for (int stage = last_round + rank; stage >= 0; stage -= shape.num_ranks) {
      for (int mb = shape.num_microbatches - 1; mb >= 0; --mb) {
        program.push_back({stage, mb, ActionKind::FullBackward});
      }
    }
  }
  return out;
}

}  // namespace pp
