#include "runtime/schedule/schedules/rounds.h"

#include <algorithm>

namespace pp {

Rounds::Rounds(const Shape& shape)
    : num_ranks(shape.num_ranks),
      stages_per_rank(shape.num_stages / shape.num_ranks),
      num_microbatches(shape.num_microbatches) {
  const auto num_rounds = [this] {
    return std::max(1, num_microbatches / num_ranks);
  };
  while (num_microbatches % num_rounds() != 0) {
    ++num_microbatches;
  }
  microbatches_per_round = num_microbatches / num_rounds();
}

Action Rounds::forward(int rank, int op) const {
  const int turn = op / microbatches_per_round;
  const int stage = turn % stages_per_rank;
  const int round = turn / stages_per_rank;
  return {
      stage * num_ranks + rank,
      round * microbatches_per_round + op % microbatches_per_round,
      ActionKind::Forward};
}

Action Rounds::backward(int rank, int op, ActionKind kind) const {
  Action action = forward(rank, op);
  const int stage = stages_per_rank - 1 - action.stage / num_ranks;
  action.set_stage(stage * num_ranks + rank);
  action.kind = kind;
  return action;
}

void drop_microbatches(std::vector<Action>& program, int num_microbatches) {
  const auto dropped = [&](const Action& action) {
    return action.microbatch >= num_microbatches;
  };
  for (size_t i = 0; i + 1 < program.size(); ++i) {
    program[i].overlaps_next &= !dropped(program[i + 1]);
  }
  std::erase_if(program, dropped);
}

}  // namespace pp
