#include "loader/core/error.h"
#include "runtime/schedule/check_actions.h"

namespace pp {

KindSet check_placement(const Schedule& schedule) {
  const auto num_ranks = static_cast<int32_t>(schedule.ranks.size());
  const auto num_stages = static_cast<int32_t>(schedule.stage_to_rank.size());
  if (num_ranks == 0 || num_stages == 0) {
    throw usage_error("the schedule has no ranks or no stages");
  }
  for (int32_t stage = 0; stage < num_stages; ++stage) {
    const int32_t rank = schedule.stage_to_rank[stage];
    if (rank < 0 || rank >= num_ranks) {
      throw usage_error(
          "stage " + std::to_string(stage) + " is on rank " +
          std::to_string(rank) + ", but the schedule has ranks 0 to " +
          std::to_string(num_ranks - 1));
    }
  }
  KindSet kinds = 0;
  for (int32_t rank = 0; rank < num_ranks; ++rank) {
    const auto& program = schedule.ranks[rank];
    for (size_t i = 0; i < program.size(); ++i) {
      const Action& action = program[i];
      kinds |= bit(action.kind);
      const bool exists = action.stage >= 0 && action.stage < num_stages;
      if (!exists || schedule.stage_to_rank[action.stage] != rank) {
        const std::string owner =
            exists ? "stage " + std::to_string(action.stage) + " is on rank " +
                         std::to_string(schedule.stage_to_rank[action.stage])
                   : "there are stages 0 to " + std::to_string(num_stages - 1);
        throw usage_error(
            "rank " + std::to_string(rank) + " lists " + to_string(action) +
            " at position " + std::to_string(i) + ", but " + owner);
      }
    }
  }
  return kinds;
}

}  // namespace pp
