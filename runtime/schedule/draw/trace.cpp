#include <map>
#include <tuple>

#include <nlohmann/json.hpp>

#include "runtime/schedule/draw.h"

namespace pp {
namespace {

constexpr double kMicrosecondsPerUnit = 1000;

// Colour names that trace viewers know.
const char* color_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::Forward:
      return "good";
    case ActionKind::BackwardInput:
      return "bad";
    case ActionKind::BackwardWeight:
      return "grey";
    default:
      return "terrible";
  }
}

nlohmann::ordered_json complete(
    const std::string& name, int32_t rank, double begin, double end) {
  return {
      {"name", name},
      {"ph", "X"},
      {"pid", 0},
      {"tid", rank},
      {"ts", begin * kMicrosecondsPerUnit},
      {"dur", (end - begin) * kMicrosecondsPerUnit},
  };
}

nlohmann::ordered_json flow_end(
    const Transfer& transfer,
    const char* phase,
    size_t id,
    int32_t rank,
    double time) {
  nlohmann::ordered_json event = {
      {"name", to_string(transfer.send)},
      {"cat", "message"},
      {"ph", phase},
      {"id", id},
      {"pid", 0},
      {"tid", rank},
      {"ts", time * kMicrosecondsPerUnit},
  };
  if (*phase == 'f') {
    event["bp"] = "e";
  }
  return event;
}

// When receivers use their messages, so that an arrow ends inside an action.
class Uses {
 public:
  explicit Uses(const Timeline& timeline) {
    for (const RankTimeline& rank : timeline.ranks) {
      for (const TimedAction& timed : rank.actions) {
        if (timed.action.kind != ActionKind::BackwardWeight) {
          begin_.emplace(
              Key{timed.action.stage,
                  timed.action.microbatch,
                  timed.action.kind == ActionKind::Forward},
              timed.begin);
        }
      }
    }
  }

  double time_of(const Transfer& transfer) const {
    const bool is_forward = transfer.send.kind == ActionKind::SendForward;
    const int32_t stage = transfer.send.stage + (is_forward ? 1 : -1);
    const auto found =
        begin_.find({stage, transfer.send.microbatch, is_forward});
    return found == begin_.end() ? transfer.end : found->second;
  }

 private:
  using Key = std::tuple<int32_t, int32_t, bool>;
  std::map<Key, double> begin_;
};

}  // namespace

std::string draw_trace(
    const Schedule& schedule,
    const Timeline& timeline,
    const Caption& caption) {
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  const bool trains = has_backward(schedule);
  for (size_t i = 0; i < timeline.ranks.size(); ++i) {
    const auto rank = static_cast<int32_t>(i);
    events.push_back(
        {{"name", "thread_name"},
         {"ph", "M"},
         {"pid", 0},
         {"tid", rank},
         {"args", {{"name", "rank " + std::to_string(rank)}}}});
    double end = 0;
    for (const TimedAction& timed : timeline.ranks[i].actions) {
      auto event =
          complete(to_string(timed.action), rank, timed.begin, timed.end);
      event["cname"] = color_of(timed.action.kind);
      event["args"] = {
          {"stage", timed.action.stage},
          {"microbatch", timed.action.microbatch}};
      events.push_back(std::move(event));
      end = timed.end;
    }
    if (trains && !timeline.ranks[i].actions.empty()) {
      events.push_back(
          complete("update", rank, end, end + caption.update_time));
    }
  }
  const Uses uses(timeline);
  for (size_t id = 0; id < timeline.transfers.size(); ++id) {
    const Transfer& transfer = timeline.transfers[id];
    // The arrow begins just inside the action that made the message.
    events.push_back(
        flow_end(transfer, "s", id, transfer.from, transfer.begin - 1e-3));
    events.push_back(
        flow_end(transfer, "f", id, transfer.to, uses.time_of(transfer)));
  }
  const nlohmann::ordered_json trace = {
      {"traceEvents", std::move(events)},
      {"displayTimeUnit", "ms"},
      {"otherData", {{"title", caption.title}}},
  };
  return trace.dump() + "\n";
}

}  // namespace pp
