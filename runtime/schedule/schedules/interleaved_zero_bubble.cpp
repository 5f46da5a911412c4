#include <algorithm>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/rounds.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// Interleaved ZB1P (Qi et al. 2023, arXiv:2401.10241): Interleaved 1F1B whose
// weight gradients wait until the rank would be idle.
//   1  warm-up    the first round through all stages but the last, and one
//                 forward for each rank below
//   2  steady     one forward, one input gradient, and, from input gradient
//                 number `rank` on, the oldest weight gradient
//   3  cool-down  the remaining input gradients, likewise
//   4  drain      the remaining weight gradients
Schedule interleaved_zero_bubble(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = loop_placement("InterleavedZeroBubble", shape);
  const Rounds rounds(shape);
  const int num_ops = rounds.num_ops();
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    const int first_round =
        (rounds.stages_per_rank - 1) * rounds.microbatches_per_round;
    const int way_back = shape.num_ranks - 1 - rank;
    const int warm_up = std::min(first_round + way_back, num_ops);

    auto& program = out.ranks.emplace_back();
    program.reserve(3 * static_cast<size_t>(num_ops));
    for (int op = 0; op < warm_up; ++op) {
      program.push_back(rounds.forward(rank, op));
    }
    int next_weight = 0;
    const auto add_weight = [&] {
      program.push_back(
          rounds.backward(rank, next_weight++, ActionKind::BackwardWeight));
    };
    for (int op = 0; op < num_ops; ++op) {
      if (warm_up + op < num_ops) {
        program.push_back(rounds.forward(rank, warm_up + op));
      }
      program.push_back(rounds.backward(rank, op, ActionKind::BackwardInput));
      if (op >= rank) {
        add_weight();
      }
    }
    while (next_weight < num_ops) {
      add_weight();
    }
    drop_microbatches(program, shape.num_microbatches);
  }
  return out;
}

}  // namespace pp
