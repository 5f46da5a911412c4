#include "runtime/launch/job_board.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pp {
namespace {

constexpr auto kCause = "cause";
// Stands for no cause, so that the key can be read without waiting for it.
constexpr auto kNoCause = "-";
constexpr auto kGoodbye = "bye";
constexpr auto kReporter = "reporter";

std::string key(const char* what, int rank) {
  return std::string(what) + "/" + std::to_string(rank);
}

const char* name(JobBoard::Counter counter) {
  return counter == JobBoard::Counter::Done ? "done" : "left";
}

std::optional<Cause> parse(const std::string& text) {
  if (text == kNoCause) {
    return std::nullopt;
  }
  try {
    return cause_from_json(text);
  } catch (const Error& error) {
    Cause cause;
    cause.message = error.what();
    return cause;
  }
}

}  // namespace

JobBoard::JobBoard(c10::intrusive_ptr<c10d::Store> store)
    : store_(std::move(store)) {
  store_->compareSet(kCause, std::string(), kNoCause);
}

Cause JobBoard::publish(const Cause& cause) {
  const auto first =
      parse(store_->compareSet(kCause, kNoCause, to_json(cause)));
  return first.value_or(cause);
}

std::optional<Cause> JobBoard::cause() {
  return parse(store_->get_to_str(kCause));
}

bool JobBoard::has_failed(c10d::Store& store) {
  return store.check({kCause}) && store.get_to_str(kCause) != kNoCause;
}

void JobBoard::join(int rank, const std::string& host) {
  store_->set(key("host", rank), host);
  store_->set(key("process", rank), to_string(own_process()));
  note_activity(rank, {});
  beat(rank);
}

bool JobBoard::has_joined(int rank) {
  return store_->check({key("beat", rank)});
}

std::string JobBoard::host(int rank) {
  return has_joined(rank) ? store_->get_to_str(key("host", rank)) : "";
}

ProcessId JobBoard::process(int rank) {
  return parse_process(store_->get_to_str(key("process", rank)));
}

void JobBoard::beat(int rank) {
  store_->add(key("beat", rank), 1);
}

void JobBoard::note_activity(int rank, const ActivityState& activity) {
  store_->set(key("activity", rank), to_json(activity));
}

ActivityState JobBoard::activity(int rank) {
  return activity_from_json(store_->get_to_str(key("activity", rank)));
}

void JobBoard::say_goodbye(int rank) {
  store_->set(key("beat", rank), std::string(kGoodbye));
}

std::pair<std::optional<Cause>, std::vector<std::string>> JobBoard::read(
    const std::vector<int>& ranks) {
  std::vector<std::string> keys = {kCause};
  for (const int rank : ranks) {
    keys.push_back(key("beat", rank));
  }
  std::vector<std::string> values;
  for (const auto& value : store_->multiGet(keys)) {
    values.emplace_back(value.begin(), value.end());
  }
  check(values.size() == keys.size(), "each key must have a value");
  const auto cause = parse(values.front());
  values.erase(values.begin());
  return {cause, std::move(values)};
}

bool JobBoard::said_goodbye(const std::string& beat) {
  return beat == kGoodbye;
}

void JobBoard::mark_seen(int rank) {
  store_->add(key("seen", rank), 1);
}

bool JobBoard::has_seen(int rank) {
  return store_->check({key("seen", rank)});
}

void JobBoard::announce_reporter() {
  store_->set(kReporter, std::string("launcher"));
}

bool JobBoard::has_reporter() {
  return store_->check({kReporter});
}

bool JobBoard::may_tell(const std::string& console) {
  return store_->add("told/" + console, 1) == 1;
}

void JobBoard::count(Counter counter) {
  store_->add(name(counter), 1);
}

int JobBoard::count_of(Counter counter) {
  return static_cast<int>(store_->add(name(counter), 0));
}

}  // namespace pp
