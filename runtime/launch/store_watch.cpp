#include "runtime/launch/store_watch.h"

#include <string_view>
#include <utility>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pp {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBeatEvery{100};

// A rank gives a sign of life with every poll, even while an operator runs
// long. After this much silence its process is looked for, if it is on this
// machine.
constexpr milliseconds kDeadAfter{1250};

// For a rank on another machine. If only its process dies, its connections
// close and its peers notice first, so this finds a machine or network that is
// gone.
constexpr milliseconds kOutOfSightAfter{10000};

// A launcher that sees a rank die ends the others with a signal at once. So for
// this long after a request to stop, look whether a rank had died before it.
constexpr milliseconds kDeadAfterStop{500};
constexpr milliseconds kStopDelay{600};

// If a poll is this late, this process or the store was paused, and what looks
// like the others' silence may be our own.
constexpr milliseconds kOwnPause{500};

bool is_late(const std::exception& error) {
  return std::string_view(error.what()).find("Timeout") !=
         std::string_view::npos;
}

}  // namespace

StoreWatch::StoreWatch(
    c10::intrusive_ptr<c10d::Store> store, FirstCause& first, Options options)
    : board_(std::move(store)),
      first_(first),
      options_(std::move(options)),
      last_poll_(Clock::now()) {
  board_.join(options_.rank, options_.host);
  thread_ = std::thread([this] { run(); });
}

StoreWatch::~StoreWatch() {
  stop();
}

void StoreWatch::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void StoreWatch::look_now() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  stop_changed_.notify_all();
}

void StoreWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    try {
      poll();
    } catch (const Error& error) {
      distrust(error);
      return;
    } catch (const std::exception& error) {
      first_.set(store_gone(is_late(error)));
      return;
    }
    lock.lock();
    stop_changed_.wait_for(
        lock, kBeatEvery, [&] { return stopping_ || hurry_; });
    hurry_ = false;
  }
  lock.unlock();
  try {
    if (!first_.get()) {
      board_.say_goodbye(options_.rank);
    } else if (!seen_) {
      note_seen();
    }
  } catch (const std::exception&) {
    // The store is gone, so there is nobody left to tell.
  }
}

void StoreWatch::poll() {
  if (seen_) {
    return;  // the store may be gone by now
  }
  board_.note_activity(options_.rank, options_.activity->now());
  board_.beat(options_.rank);
  find_joined();
  std::vector<int> ranks;
  for (const auto& [rank, life] : peers_) {
    ranks.push_back(rank);
  }
  const auto [cause, beats] = board_.read(ranks);
  const auto now = Clock::now();
  const bool paused = now - last_poll_ > kBeatEvery + kOwnPause;
  last_poll_ = now;
  for (size_t i = 0; i < ranks.size(); ++i) {
    Life& life = peers_.at(ranks[i]);
    if (paused || beats[i] != life.beat) {
      life.beat = beats[i];
      life.changed = now;
    }
  }
  if (cause) {
    found(*cause);
    return;
  }
  look_for_dead(now);
  look_for_stop(now);
}

void StoreWatch::find_joined() {
  if (static_cast<int>(peers_.size()) == options_.size - 1) {
    return;
  }
  for (int rank = 0; rank < options_.size; ++rank) {
    if (rank != options_.rank && !peers_.contains(rank) &&
        board_.has_joined(rank)) {
      peers_[rank] = {
          "", Clock::now(), board_.host(rank), board_.process(rank)};
    }
  }
}

void StoreWatch::look_for_dead(Clock::time_point now) {
  for (const auto& [rank, life] : peers_) {
    if (JobBoard::said_goodbye(life.beat)) {
      continue;
    }
    const std::string death = death_of(life, now - life.changed);
    if (!death.empty()) {
      Cause cause;
      cause.rank = rank;
      cause.host = life.host;
      cause.message = death;
      set_place(cause, board_.activity(rank));
      cause.last_seen = true;
      found(board_.publish(cause));
      return;
    }
  }
}

/// Says how a rank that has been silent for that long died; empty if it didn't.
std::string StoreWatch::death_of(
    const Life& life, Clock::duration silent) const {
  if (silent <= (stop_requested_ ? kDeadAfterStop : kDeadAfter)) {
    return "";
  }
  switch (liveness(life.process)) {
    case Liveness::Alive:
    case Liveness::Stopped:
      return "";
    case Liveness::Dead:
      return "died without reporting an error";
    case Liveness::Unknown:
      break;
  }
  return silent > kOutOfSightAfter
             ? "gave no sign of life for " +
                   std::to_string(kOutOfSightAfter.count() / 1000) +
                   " s: the process, its machine or the network is gone"
             : "";
}

void StoreWatch::look_for_stop(Clock::time_point now) {
  if (!options_.stop.stop_requested()) {
    return;
  }
  if (!stop_requested_) {
    stop_requested_ = now;
  }
  if (now - *stop_requested_ >= kStopDelay) {
    Cause cause;
    cause.rank = options_.rank;
    cause.host = options_.host;
    cause.message = "interrupted";
    cause.interrupted = true;
    found(board_.publish(cause));
  }
}

void StoreWatch::found(const Cause& cause) {
  if (!seen_) {
    seen_ = true;
    first_.set(cause);
    note_seen();
  }
}

/// Ends the job because of a value that no rank of this job can have written.
void StoreWatch::distrust(const Error& error) {
  Cause cause;
  cause.rank = options_.rank;
  cause.host = options_.host;
  cause.message = error.what();
  try {
    cause = board_.publish(cause);
    first_.set(cause);
    note_seen();
  } catch (const std::exception&) {
    first_.set(cause);  // the others find out by themselves
  }
}

void StoreWatch::note_seen() {
  is_told_ = !board_.may_tell(options_.console);
  board_.mark_seen(options_.rank);
}

/// The cause if the store is gone or, with `late`, doesn't answer in time.
Cause StoreWatch::store_gone(bool late) const {
  const std::string store = "the job's store at " + options_.store_name;
  Cause cause;
  if (options_.store_rank >= 0) {
    cause.rank = options_.store_rank;
    const auto host = peers_.find(options_.store_rank);
    cause.host = host != peers_.end() ? host->second.host : "";
    cause.message = late ? "doesn't respond or can't be reached: " + store +
                               ", which it serves, doesn't answer"
                         : "died without reporting an error: " + store +
                               ", which it served, is gone";
  } else {
    cause.message =
        late ? "the launcher doesn't respond or can't be reached: " + store +
                   ", which it serves, doesn't answer"
             : "the launcher is gone, with the store it served at " +
                   options_.store_name;
  }
  return cause;
}

}  // namespace pp
