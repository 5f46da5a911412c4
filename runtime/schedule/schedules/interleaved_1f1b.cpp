#include <algorithm>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/rounds.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// Interleaved 1F1B (Narayanan et al. 2021, arXiv:2104.04473).
//
// Stages go round the ranks, so a microbatch visits each rank once per stage of
// that rank, and the fill is shorter by the number of stages per rank:
//   1  warm-up    the first round through all stages but the last, and two
//                 forwards for each rank below
//   2  steady     one forward, one backward
//   3  cool-down  the remaining backwards
Schedule interleaved_1f1b(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = loop_placement("Interleaved1F1B", shape);
  const Rounds rounds(shape);
  const int num_ops = rounds.num_ops();
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    const int first_round =
        (rounds.stages_per_rank - 1) * rounds.microbatches_per_round;
    const int way_back = 2 * (shape.num_ranks - 1 - rank);
    const int warm_up = std::min(first_round + way_back, num_ops);

    auto& program = out.ranks.emplace_back();
    program.reserve(2 * static_cast<size_t>(num_ops));
    for (int op = 0; op < warm_up; ++op) {
      program.push_back(rounds.forward(rank, op));
    }
    for (int op = 0; op < num_ops; ++op) {
      if (warm_up + op < num_ops) {
        program.push_back(rounds.forward(rank, warm_up + op));
      }
      program.push_back(rounds.backward(rank, op, ActionKind::FullBackward));
    }
    drop_microbatches(program, shape.num_microbatches);
  }
  return out;
}

}  // namespace pp
