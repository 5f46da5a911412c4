#include "runtime/rank/activity.h"

#include <nlohmann/json.hpp>

namespace pp {

namespace {

/// More stages, microbatches and ranks than any job has.
constexpr int kMaxNumber = 1 << 30;

}  // namespace

std::string action_text(const ActivityState& activity) {
  if (!activity.in_action()) {
    return "";
  }
  return std::to_string(activity.stage) + activity.kind +
         (activity.microbatch >= 0 ? std::to_string(activity.microbatch) : "");
}

std::string awaited_text(const ActivityState& activity) {
  const std::string peer = "rank " + std::to_string(activity.peer);
  std::string text = activity.sends ? peer + " to receive a message"
                                    : "a message from " + peer;
  if (!activity.in_action() || activity.microbatch < 0) {
    return text;
  }
  // A message carries the number of the stage that sends it: an activation
  // comes from the previous stage, a gradient from the next one.
  const bool forward = activity.kind.ends_with("F");
  const int stage =
      activity.sends ? activity.stage : activity.stage + (forward ? -1 : 1);
  return text + (forward ? ": the activation" : ": the gradient") +
         " of microbatch " + std::to_string(activity.microbatch) +
         " of stage " + std::to_string(stage);
}

std::string to_json(const ActivityState& activity) {
  return nlohmann::json{
      activity.stage,
      activity.microbatch,
      activity.kind,
      activity.peer,
      activity.sends,
      activity.seconds}
      .dump();
}

ActivityState activity_from_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    ActivityState activity;
    activity.stage = json.at(0).get<int>();
    activity.microbatch = json.at(1).get<int>();
    activity.kind = json.at(2).get<std::string>();
    activity.peer = json.at(3).get<int>();
    activity.sends = json.at(4).get<bool>();
    activity.seconds = json.at(5).get<double>();
    const auto is_possible = [](int number) {
      return number >= -1 && number < kMaxNumber;
    };
    return is_possible(activity.stage) && is_possible(activity.microbatch) &&
                   is_possible(activity.peer)
               ? activity
               : ActivityState();
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

void Activity::begin(int stage, int microbatch, std::string_view kind) {
  {
    const std::lock_guard lock(mutex_);
    stage_ = stage;
    microbatch_ = microbatch;
    kind_ = kind;
    since_ = Clock::now();
  }
  tell({ActivityEvent::What::ActionBegins, stage, microbatch, kind});
}

void Activity::end() {
  {
    const std::lock_guard lock(mutex_);
    stage_ = microbatch_ = -1;
    kind_ = {};
    since_ = Clock::now();
  }
  tell({ActivityEvent::What::ActionsEnd});
}

void Activity::begin_wait(int peer, bool sends) {
  {
    const std::lock_guard lock(mutex_);
    peer_ = peer;
    sends_ = sends;
    since_ = Clock::now();
  }
  ActivityEvent event{ActivityEvent::What::WaitBegins};
  event.peer = peer;
  event.sends = sends;
  tell(event);
}

void Activity::end_wait() {
  {
    const std::lock_guard lock(mutex_);
    peer_ = -1;
    since_ = Clock::now();
  }
  tell({ActivityEvent::What::WaitEnds});
}

void Activity::tell(const ActivityEvent& event) const {
  if (observer_) {
    observer_(event);
  }
}

void Activity::mark_stalled() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
}

bool Activity::stalled() const {
  const std::lock_guard lock(mutex_);
  return stalled_;
}

ActivityState Activity::now() const {
  const std::lock_guard lock(mutex_);
  return {
      stage_,
      microbatch_,
      std::string(kind_),
      peer_,
      sends_,
      std::chrono::duration<double>(Clock::now() - since_).count()};
}

}  // namespace pp
