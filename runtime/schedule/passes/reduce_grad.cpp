#include "runtime/schedule/lower.h"

namespace pp {
namespace {

std::vector<Action> with_reduce_grad(
    const std::vector<Action>& program,
    std::vector<int>& backwards_left,
    ReduceWait wait) {
  std::vector<Action> out;
  out.reserve(program.size() + 8);
  int32_t pending = -1;
  const auto wait_for_pending = [&] {
    if (pending >= 0) {
      out.push_back({pending, kNoMicrobatch, ActionKind::WaitReduceGrad});
      pending = -1;
    }
  };
  // Stages that are finished while a pair of overlapped actions is open.
  std::vector<int32_t> finished;
  for (const Action& action : program) {
    out.push_back(action);
    if (makes_weight_gradient(action.kind) &&
        --backwards_left[action.stage] == 0) {
      finished.push_back(action.stage);
    }
    if (action.overlaps_next) {
      continue;
    }
    for (const int32_t stage : finished) {
      wait_for_pending();
      out.push_back({stage, kNoMicrobatch, ActionKind::ReduceGrad});
      pending = stage;
      if (wait == ReduceWait::Now) {
        wait_for_pending();
      }
    }
    finished.clear();
  }
  wait_for_pending();
  return out;
}

}  // namespace

Schedule add_reduce_grad(Schedule schedule, ReduceWait wait) {
  std::vector<int> backwards_left(schedule.stage_to_rank.size(), 0);
  for (const auto& program : schedule.ranks) {
    for (const Action& action : program) {
      backwards_left[action.stage] +=
          makes_weight_gradient(action.kind) ? 1 : 0;
    }
  }
  for (auto& program : schedule.ranks) {
    program = with_reduce_grad(program, backwards_left, wait);
  }
  return schedule;
}

}  // namespace pp
