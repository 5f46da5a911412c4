#include <nlohmann/json.hpp>

#include "runtime/schedule/draw.h"

namespace pp {
namespace {

nlohmann::json timed_json(const TimedAction& timed) {
  return {
      {"action", to_string(timed.action)},
      {"begin", timed.begin},
      {"end", timed.end},
  };
}

nlohmann::json rank_json(
    const std::vector<Action>& program, const RankTimeline& rank) {
  nlohmann::json actions = nlohmann::json::array();
  for (const Action& action : program) {
    actions.push_back(to_string(action));
  }
  nlohmann::json timed = nlohmann::json::array();
  for (const TimedAction& action : rank.actions) {
    timed.push_back(timed_json(action));
  }
  return {
      {"actions", std::move(actions)},
      {"timeline", std::move(timed)},
      {"busy", rank.busy},
      {"bubble", rank.bubble},
      {"peak_live", rank.peak_live},
      {"peak_microbatches", rank.peak_microbatches},
      {"peak_bytes", rank.peak_bytes},
  };
}

}  // namespace

std::string draw_json(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption) {
  nlohmann::json ranks = nlohmann::json::array();
  for (size_t i = 0; i < schedule.ranks.size(); ++i) {
    ranks.push_back(rank_json(schedule.ranks[i], timeline.ranks[i]));
  }
  nlohmann::json transfers = nlohmann::json::array();
  for (const Transfer& transfer : timeline.transfers) {
    transfers.push_back(
        {{"action", to_string(transfer.send)},
         {"from", transfer.from},
         {"to", transfer.to},
         {"begin", transfer.begin},
         {"end", transfer.end}});
  }
  nlohmann::json path = nlohmann::json::array();
  for (const CriticalStep& step : timeline.critical_path) {
    path.push_back(timed_json(step.timed));
    path.back()["rank"] = step.rank;
  }
  const nlohmann::ordered_json whole = {
      {"title", caption.title},
      {"stage_to_rank", schedule.stage_to_rank},
      {"makespan", timeline.makespan},
      {"bubble", timeline.bubble},
      {"ranks", std::move(ranks)},
      {"transfers", std::move(transfers)},
      {"critical_path", std::move(path)},
  };
  return whole.dump(2) + "\n";
}

}  // namespace pp
