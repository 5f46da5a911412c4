#include <algorithm>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/rounds.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {
namespace {

// One rank's two stages: `down` on the way to the last rank, `up` on the way
// back. Each call appends the next microbatch of its kind.
struct VRank {
  struct Counters {
    int forward = 0;
    int input = 0;
    int weight = 0;
  };

  int down_stage = 0;
  int up_stage = 0;
  Counters down;
  Counters up;
  std::vector<Action> program;

  void forward_down() {
    program.push_back({down_stage, down.forward++, ActionKind::Forward});
  }
  void forward_up() {
    program.push_back({up_stage, up.forward++, ActionKind::Forward});
  }
  void input_down() {
    program.push_back({down_stage, down.input++, ActionKind::BackwardInput});
  }
  void input_up() {
    program.push_back({up_stage, up.input++, ActionKind::BackwardInput});
  }
  void weight_down() {
    program.push_back({down_stage, down.weight++, ActionKind::BackwardWeight});
  }
  void weight_up() {
    program.push_back({up_stage, up.weight++, ActionKind::BackwardWeight});
  }
};

void fill(VRank& rank, int index, int num_ranks) {
  // 1  forwards on the way down, until the first has come back up
  for (int i = 0; i < 2 * (num_ranks - index) - 1; ++i) {
    rank.forward_down();
  }
  // 2  one up, one down: the ranks above need their forwards too
  for (int i = 0; i < index; ++i) {
    rank.forward_up();
    rank.forward_down();
  }
  // 3  forward and whole backward on the way up
  for (int i = 0; i < num_ranks - index; ++i) {
    rank.forward_up();
    rank.input_up();
    rank.weight_up();
  }
}

void steady(VRank& rank, int num_microbatches) {
  // 4  all six, while there are forwards left
  while (rank.up.forward < rank.down.forward ||
         rank.down.forward < num_microbatches) {
    if (rank.down.forward < num_microbatches) {
      rank.forward_down();
    }
    rank.input_down();
    rank.weight_down();
    rank.forward_up();
    rank.input_up();
    rank.weight_up();
  }
}

void drain(VRank& rank, int index, int num_ranks) {
  // 5  input gradients, which others wait for
  for (int i = 0; i < index; ++i) {
    rank.input_down();
    rank.input_up();
  }
  // 6  the last input gradients, with weight gradients between
  for (int i = 0; i < num_ranks - index; ++i) {
    rank.input_down();
    rank.weight_down();
  }
  // 7  the remaining weight gradients
  while (rank.up.weight < rank.up.input) {
    rank.weight_up();
  }
  while (rank.down.weight < rank.down.input) {
    rank.weight_down();
  }
}

}  // namespace

// ZB-V (Qi et al. 2023, arXiv:2401.10241, section 6): two stages per rank, down
// the ranks and up again. Needs 2 * num_ranks - 1 microbatches to fill; for
// fewer, the order for that many is made and the surplus dropped.
Schedule zbv_zero_bubble(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = v_placement("ZBVZeroBubble", shape);
  const int num_microbatches =
      std::max(2 * shape.num_ranks - 1, shape.num_microbatches);
  for (int index = 0; index < shape.num_ranks; ++index) {
    VRank rank{index, shape.num_stages - 1 - index, {}, {}, {}};
    fill(rank, index, shape.num_ranks);
    steady(rank, num_microbatches);
    drain(rank, index, shape.num_ranks);
    drop_microbatches(rank.program, shape.num_microbatches);
    out.ranks.push_back(std::move(rank.program));
  }
  return out;
}

}  // namespace pp
