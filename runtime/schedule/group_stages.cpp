#include "runtime/schedule/group_stages.h"

#include "loader/core/error.h"
#include "runtime/schedule/schedules/blocks.h"

namespace pp {
namespace {

// The actions of the stages that one action of their group stands for: forwards
// ascend, backwards descend, messages belong to the outer stage.
std::vector<Action> expand(const Action& action, const StageRange& stages) {
  std::vector<Action> out;
  const auto add = [&](int stage) {
    out.push_back({stage, action.microbatch, action.kind});
  };
  switch (action.kind) {
    case ActionKind::SendForward:
    case ActionKind::WaitSendForward:
    case ActionKind::RecvBackward:
      add(stages.last);
      break;
    case ActionKind::RecvForward:
    case ActionKind::SendBackward:
    case ActionKind::WaitSendBackward:
      add(stages.first);
      break;
    case ActionKind::FullBackward:
    case ActionKind::BackwardInput:
    case ActionKind::BackwardWeight:
      for (int stage = stages.last; stage >= stages.first; --stage) {
        add(stage);
      }
      break;
    default:
      for (int stage = stages.first; stage <= stages.last; ++stage) {
        add(stage);
      }
  }
  out.back().overlaps_next = action.overlaps_next;
  return out;
}

}  // namespace

std::vector<int> even_groups(int num_stages, int num_groups) {
  check(
      num_groups >= 1 && num_groups <= num_stages,
      "each group must have at least one stage");
  std::vector<int> sizes(num_groups, num_stages / num_groups);
  for (int i = 0; i < num_stages % num_groups; ++i) {
    ++sizes[i];
  }
  return sizes;
}

Schedule expand_groups(const Schedule& grouped, const std::vector<int>& sizes) {
  check(
      sizes.size() == grouped.stage_to_rank.size(),
      "each group of the schedule must have a size");
  Schedule out;
  std::vector<StageRange> ranges;
  for (size_t group = 0; group < sizes.size(); ++group) {
    const int first = static_cast<int>(out.stage_to_rank.size());
    ranges.push_back({first, first + sizes[group] - 1});
    out.stage_to_rank.insert(
        out.stage_to_rank.end(), sizes[group], grouped.stage_to_rank[group]);
  }
  for (const std::vector<Action>& program : grouped.ranks) {
    std::vector<Action>& expanded = out.ranks.emplace_back();
    for (const Action& action : program) {
      for (const Action& each : expand(action, ranges.at(action.stage))) {
        expanded.push_back(each);
      }
    }
  }
  return out;
}

}  // namespace pp
