#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/schedule/schedule.h"

// Random schedules, valid by construction, and random damage.
namespace pp {

using Random = std::mt19937;

inline int pick(Random& random, int below) {
  return std::uniform_int_distribution<int>(0, below - 1)(random);
}

/// Every rank has a stage, the others are anywhere.
inline StageMap random_map(Random& random, int num_ranks, int num_stages) {
  StageMap map;
  for (int stage = 0; stage < num_stages; ++stage) {
    map.push_back(stage < num_ranks ? stage : pick(random, num_ranks));
  }
  std::shuffle(map.begin(), map.end(), random);
  return map;
}

inline StageMap random_map(Random& random) {
  const int num_ranks = 1 + pick(random, 4);
  return random_map(random, num_ranks, num_ranks + pick(random, 5));
}

/// A random order that can be executed: ranks take turns at random, and each
/// does any action whose inputs are available.
inline Schedule random_schedule(
    Random& random, StageMap map, int num_microbatches, bool training) {
  const int num_stages = static_cast<int>(map.size());
  Schedule schedule;
  schedule.ranks.resize(*std::max_element(map.begin(), map.end()) + 1);
  schedule.stage_to_rank = std::move(map);
  std::vector<Action> possible;
  for (int mb = 0; mb < num_microbatches; ++mb) {
    possible.push_back({0, mb, ActionKind::Forward});
  }
  const auto backward = [&] {
    return pick(random, 2) == 0 ? ActionKind::FullBackward
                                : ActionKind::BackwardInput;
  };
  while (!possible.empty()) {
    const int index = pick(random, static_cast<int>(possible.size()));
    const Action action = possible[index];
    possible.erase(possible.begin() + index);
    schedule.ranks[schedule.stage_to_rank[action.stage]].push_back(action);
    const int32_t mb = action.microbatch;
    if (action.kind == ActionKind::Forward) {
      if (action.stage + 1 < num_stages) {
        possible.push_back({action.stage + 1, mb, ActionKind::Forward});
      } else if (training) {
        possible.push_back({action.stage, mb, backward()});
      }
    } else if (action.kind != ActionKind::BackwardWeight) {
      if (action.stage > 0) {
        possible.push_back({action.stage - 1, mb, backward()});
      }
      if (action.kind == ActionKind::BackwardInput) {
        possible.push_back({action.stage, mb, ActionKind::BackwardWeight});
      }
    }
  }
  return schedule;
}

/// One random change to one rank's list.
inline void mutate(Random& random, Schedule& schedule, int num_microbatches) {
  auto& program =
      schedule.ranks[pick(random, static_cast<int>(schedule.ranks.size()))];
  if (program.empty()) {
    return;
  }
  const int size = static_cast<int>(program.size());
  const int at = pick(random, size);
  switch (pick(random, 6)) {
    case 0:
      std::swap(program[at], program[pick(random, size)]);
      break;
    case 1:
      std::swap(program[at], program[std::min(at + 1, size - 1)]);
      break;
    case 2:
      program.erase(program.begin() + at);
      break;
    case 3:
      program.insert(program.begin() + pick(random, size), program[at]);
      break;
    case 4:
      if (program[at].microbatch >= 0) {
        program[at].microbatch = pick(random, num_microbatches + 1);
      }
      break;
    default:
      std::rotate(
          program.begin() + at,
          program.begin() + at + 1,
          program.begin() + std::min(at + 4, size));
  }
}

}  // namespace pp
