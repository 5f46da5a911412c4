#include "runtime/schedule/peak_memory.h"

#include <algorithm>

namespace pp {
namespace {

// Follows one rank's list and remembers the moment of most memory.
class Follower {
 public:
  Follower(
      const Schedule& schedule,
      int rank,
      const std::vector<StageMemory>& stages,
      SentMemory sent)
      : schedule_(schedule),
        rank_(rank),
        stages_(stages),
        sent_(sent),
        has_gradients_(stages.size(), 0) {
    for (const Action& action : schedule.ranks[rank]) {
      keeps_ = keeps_ || makes_input_gradient(action.kind);
    }
  }

  HeldMemory run() {
    for (const Action& action : schedule_.ranks[rank_]) {
      visit(action);
    }
    return peak_;
  }

 private:
  void visit(const Action& action) {
    const StageMemory& stage = stages_[action.stage];
    const bool frees_at_send = sent_ == SentMemory::HandedOver;
    switch (action.kind) {
      case ActionKind::Forward:
        return forward(action, stage);
      case ActionKind::FullBackward:
      case ActionKind::BackwardInput:
        return backward(action, stage);
      case ActionKind::BackwardWeight:
        return weight(action, stage);
      case ActionKind::RecvForward:
        return message(stage.input);
      case ActionKind::RecvBackward:
        return message(stage.output_gradient);
      case ActionKind::SendForward:
        return message(frees_at_send ? -stage.output : 0);
      case ActionKind::SendBackward:
        return message(frees_at_send ? -stage.input_gradient : 0);
      case ActionKind::WaitSendForward:
        return message(frees_at_send ? 0 : -stage.output);
      case ActionKind::WaitSendBackward:
        return message(frees_at_send ? 0 : -stage.input_gradient);
      default:
        return;
    }
  }

  bool is_own(int32_t stage) const {
    return schedule_.stage_to_rank[stage] == rank_;
  }

  void forward(const Action& action, const StageMemory& stage) {
    work(stage.forward_work);
    held_.activations += keeps_ ? stage.kept : 0;
    held_.messages -= keeps_ ? 0 : stage.input;
    const int32_t next = action.stage + 1;
    if (next < static_cast<int32_t>(stages_.size())) {
      message(is_own(next) ? stages_[next].input : stage.output);
    }
  }

  void backward(const Action& action, const StageMemory& stage) {
    const bool is_full = action.kind == ActionKind::FullBackward;
    if (is_full) {
      make_gradients(action.stage);
    }
    work(is_full ? stage.backward_work : stage.input_work);
    held_.activations -= stage.kept;
    held_.activations += is_full ? 0 : stage.kept_for_weight;
    held_.messages -= stage.input + stage.output_gradient;
    if (action.stage > 0) {
      const StageMemory& above = stages_[action.stage - 1];
      message(
          is_own(action.stage - 1) ? above.output_gradient
                                   : stage.input_gradient);
    }
  }

  void weight(const Action& action, const StageMemory& stage) {
    make_gradients(action.stage);
    work(stage.weight_work);
    held_.activations -= stage.kept_for_weight;
  }

  void make_gradients(int32_t stage) {
    if (has_gradients_[stage] == 0) {
      has_gradients_[stage] = 1;
      held_.gradients += stages_[stage].gradients;
    }
  }

  void message(int64_t num_bytes) {
    held_.messages += num_bytes;
    work(0);
  }

  void work(int64_t num_bytes) {
    held_.work = num_bytes;
    if (held_.total() > peak_.total()) {
      peak_ = held_;
    }
    held_.work = 0;
  }

  const Schedule& schedule_;
  int rank_;
  const std::vector<StageMemory>& stages_;
  SentMemory sent_;
  bool keeps_ = false;
  std::vector<uint8_t> has_gradients_;  // by stage
  HeldMemory held_;
  HeldMemory peak_;
};

}  // namespace

HeldMemory peak_memory(
    const Schedule& schedule,
    int rank,
    const std::vector<StageMemory>& stages,
    SentMemory sent) {
  return Follower(schedule, rank, stages, sent).run();
}

}  // namespace pp
