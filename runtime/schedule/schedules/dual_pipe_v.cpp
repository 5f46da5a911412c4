#include <algorithm>
#include <queue>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/schedules/rounds.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {
namespace {

// Writes one rank's list; each call uses the next microbatch.
class Writer {
 public:
  Writer(int down_stage, int up_stage)
      : down_{down_stage, 0, 0}, up_{up_stage, 0, 0} {}

  void forward_down() { forward(down_); }
  void forward_up() { forward(up_); }
  void backward_down(ActionKind kind) { backward(down_, kind); }
  void backward_up(ActionKind kind) { backward(up_, kind); }

  // Appends the oldest weight gradient that waits, if there is one.
  void weight() {
    if (!waiting_.empty()) {
      program_.push_back(waiting_.front());
      waiting_.pop();
    }
  }

  // Appends a forward of one stage that overlaps a backward of the other.
  void down_beside_up() {
    forward(down_);
    program_.back().overlaps_next = true;
    backward(up_, ActionKind::FullBackward);
  }
  void up_beside_down() {
    forward(up_);
    program_.back().overlaps_next = true;
    backward(down_, ActionKind::FullBackward);
  }

  std::vector<Action> take() { return std::move(program_); }

 private:
  struct OwnStage {
    int stage;
    int next_forward;
    int next_backward;
  };

  void forward(OwnStage& own) {
    program_.push_back({own.stage, own.next_forward++, ActionKind::Forward});
  }

  void backward(OwnStage& own, ActionKind kind) {
    const int mb = own.next_backward++;
    program_.push_back({own.stage, mb, kind});
    if (kind == ActionKind::BackwardInput) {
      waiting_.push({own.stage, mb, ActionKind::BackwardWeight});
    }
  }

  OwnStage down_;
  OwnStage up_;
  std::vector<Action> program_;
  std::queue<Action> waiting_;
};

std::vector<Action> rank_program(
    int rank, int num_ranks, int num_microbatches) {
  const int below = num_ranks - 1 - rank;
  Writer out(rank, 2 * num_ranks - 1 - rank);
  auto kind = ActionKind::FullBackward;

  // 1  fill the way down
  for (int i = 0; i < 2 * below; ++i) {
    out.forward_down();
  }
  // 2  fill both ways
  for (int i = 0; i < rank + 1; ++i) {
    out.forward_down();
    out.forward_up();
  }
  // 3  backwards on the way up, weight gradients at once
  for (int i = 0; i < below; ++i) {
    out.backward_up(ActionKind::BackwardInput);
    out.weight();
    out.forward_up();
  }
  // 4  the main phase: each forward beside a backward of the other way. On
  //    the last rank the first two don't overlap, which shortens the bubble.
  for (int i = 0; i < num_microbatches - 2 * num_ranks + rank + 1; ++i) {
    if (i == 0 && rank == num_ranks - 1) {
      out.forward_down();
      out.backward_up(kind);
    } else {
      out.down_beside_up();
    }
    out.up_beside_down();
  }
  // 5  no forwards are left on the way down
  for (int i = 0; i < below; ++i) {
    out.backward_up(kind);
    out.up_beside_down();
  }
  // 6  backwards both ways; from the middle on, weight gradients wait
  for (int i = 0; i < rank + 1; ++i) {
    const bool is_middle = i == (rank + 1) / 2;
    if (is_middle && rank % 2 == 1) {
      kind = ActionKind::BackwardInput;
    }
    out.backward_up(kind);
    if (is_middle && rank % 2 == 0) {
      kind = ActionKind::BackwardInput;
    }
    out.backward_down(kind);
  }
  // 7  the last backwards on the way down
  for (int i = 0; i < below; ++i) {
    out.weight();
    out.backward_down(kind);
  }
  // 8  the remaining weight gradients
  for (int i = 0; i < rank + 1; ++i) {
    out.weight();
  }
  return out.take();
}

}  // namespace

// DualPipeV (DeepSeek-AI 2024, arXiv:2412.19437, cut in half: two stages per
// rank, down the ranks and up again). Its phases need 2 * num_ranks
// microbatches; for fewer, the order for that many is made and the surplus
// dropped.
Schedule dual_pipe_v(const Shape& shape) {
  Schedule out;
  out.stage_to_rank = v_placement("DualPipeV", shape);
  const int num_microbatches =
      std::max(shape.num_stages, shape.num_microbatches);
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    auto& program = out.ranks.emplace_back(
        rank_program(rank, shape.num_ranks, num_microbatches));
    drop_microbatches(program, shape.num_microbatches);
  }
  return out;
}

}  // namespace pp
