#include "runtime/launch/activity.h"

#include <nlohmann/json.hpp>

namespace pp {

std::string action_text(const Doing& doing) {
  if (!doing.in_action()) {
    return "";
  }
  return std::to_string(doing.stage) + doing.kind +
         (doing.microbatch >= 0 ? std::to_string(doing.microbatch) : "");
}

std::string awaited_text(const Doing& doing) {
  const std::string peer = "rank " + std::to_string(doing.peer);
  std::string text =
      doing.sends ? peer + " to take a message" : "a message from " + peer;
  if (!doing.in_action() || doing.microbatch < 0) {
    return text;
  }
  // Activations come from the stage before and go with the stage's own number,
  // gradients from the stage behind.
  const bool forward = doing.kind.ends_with("F");
  const int stage =
      doing.sends ? doing.stage : doing.stage + (forward ? -1 : 1);
  return text + (forward ? ": the activation" : ": the gradient") +
         " of microbatch " + std::to_string(doing.microbatch) + " of stage " +
         std::to_string(stage);
}

std::string to_json(const Doing& doing) {
  return nlohmann::json{
      doing.stage,
      doing.microbatch,
      doing.kind,
      doing.peer,
      doing.sends,
      doing.seconds}
      .dump();
}

Doing doing_from_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Doing doing;
    doing.stage = json.at(0).get<int>();
    doing.microbatch = json.at(1).get<int>();
    doing.kind = json.at(2).get<std::string>();
    doing.peer = json.at(3).get<int>();
    doing.sends = json.at(4).get<bool>();
    doing.seconds = json.at(5).get<double>();
    return doing;
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

Doing Activity::now() const {
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
