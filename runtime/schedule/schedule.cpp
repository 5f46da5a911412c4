#include "runtime/schedule/schedule.h"

#include <algorithm>

namespace pp {
namespace {

template <typename Predicate>
bool any_action(const Schedule& schedule, Predicate predicate) {
  return std::ranges::any_of(schedule.ranks, [&](const auto& program) {
    return std::ranges::any_of(program, predicate);
  });
}

}  // namespace

int num_microbatches(const Schedule& schedule) {
  int32_t last = kNoMicrobatch;
  for (const auto& program : schedule.ranks) {
    for (const Action& action : program) {
      last = std::max(last, action.microbatch);
    }
  }
  return last + 1;
}

int64_t num_actions(const Schedule& schedule) {
  int64_t count = 0;
  for (const auto& program : schedule.ranks) {
    count += static_cast<int64_t>(program.size());
  }
  return count;
}

size_t pair_end(const std::vector<Action>& program, size_t first) {
  size_t end = first + 1;
  while (program[end - 1].overlaps_next && end < program.size()) {
    ++end;
  }
  return end;
}

std::vector<std::vector<int>> stages_by_rank(const StageMap& stage_to_rank) {
  std::vector<std::vector<int>> stages;
  for (size_t stage = 0; stage < stage_to_rank.size(); ++stage) {
    const auto rank = static_cast<size_t>(stage_to_rank[stage]);
    stages.resize(std::max(stages.size(), rank + 1));
    stages[rank].push_back(static_cast<int>(stage));
  }
  return stages;
}

bool has_backward(const Schedule& schedule) {
  return any_action(schedule, [](const Action& action) {
    return makes_input_gradient(action.kind);
  });
}

bool is_lowered(const Schedule& schedule) {
  return any_action(
      schedule, [](const Action& action) { return !is_compute(action.kind); });
}

Schedule forward_only(Schedule schedule) {
  for (auto& program : schedule.ranks) {
    std::erase_if(program, [](const Action& action) {
      return action.kind != ActionKind::Forward;
    });
    for (Action& action : program) {
      action.overlaps_next = false;
    }
  }
  return schedule;
}

}  // namespace pp
