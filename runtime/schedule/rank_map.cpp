#include "runtime/schedule/rank_map.h"

#include <string>

#include "loader/core/count_text.h"
#include "loader/core/error.h"

namespace pp {

namespace {

std::string pair_text(size_t a, size_t b) {
  return "stages " + std::to_string(a) + " and " + std::to_string(b);
}

}  // namespace

Schedule renumber_ranks(Schedule schedule, std::span<const int> rank_map) {
  const StageMap& own = schedule.stage_to_rank;
  const int num_ranks = static_cast<int>(schedule.ranks.size());
  if (rank_map.size() != own.size()) {
    throw usage_error(
        "pipeline.rank_map places " +
        count_text(std::ssize(rank_map), "stage", "stages") +
        ", but the model is split into " + std::to_string(own.size()));
  }
  for (size_t a = 0; a < own.size(); ++a) {
    if (rank_map[a] < 0 || rank_map[a] >= num_ranks) {
      throw usage_error(
          "pipeline.rank_map puts stage " + std::to_string(a) + " on rank " +
          std::to_string(rank_map[a]) + "; ranks are 0 to " +
          std::to_string(num_ranks - 1));
    }
    for (size_t b = 0; b < a; ++b) {
      const bool together = rank_map[a] == rank_map[b];
      if (together != (own[a] == own[b])) {
        throw usage_error(
            "pipeline.rank_map puts " + pair_text(b, a) + " on " +
            (together ? "one rank" : "two ranks") +
            ", but the schedule puts them on " + (together ? "two" : "one") +
            "; it may only renumber the schedule's ranks");
      }
    }
  }
  std::vector<std::vector<Action>> ranks(schedule.ranks.size());
  for (size_t stage = 0; stage < own.size(); ++stage) {
    ranks[rank_map[stage]] = schedule.ranks[own[stage]];
  }
  schedule.ranks = std::move(ranks);
  schedule.stage_to_rank.assign(rank_map.begin(), rank_map.end());
  return schedule;
}

}  // namespace pp
