#include "runtime/schedule/channels.h"

#include <set>

namespace pp {

std::vector<Channel> channels_of(const Schedule& schedule) {
  const StageMap& rank_of = schedule.stage_to_rank;
  std::set<Channel> channels;
  for (const std::vector<Action>& actions : schedule.ranks) {
    for (const Action& action : actions) {
      const auto stage = static_cast<size_t>(action.stage);
      if (action.kind == ActionKind::SendForward) {
        channels.insert({rank_of.at(stage), rank_of.at(stage + 1)});
      } else if (action.kind == ActionKind::SendBackward) {
        channels.insert({rank_of.at(stage), rank_of.at(stage - 1)});
      }
    }
  }
  return {channels.begin(), channels.end()};
}

}  // namespace pp
