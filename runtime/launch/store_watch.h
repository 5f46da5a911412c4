#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "runtime/launch/job_board.h"
#include "runtime/rank/first_cause.h"

namespace pp {

/// Watches the job on a thread and a store connection of its own. It gives
/// signs of life, publishes what this rank is doing, and sets a FirstCause to
/// the first failure that it finds: one that another rank published, the death
/// of a rank (no sign of life, and its process is gone or on another machine),
/// the loss of the store, a value in it that no rank wrote, or a request to
/// stop. A process that exists but
/// doesn't respond is no failure here: ranks that wait for it notice it after
/// their stall timeout.
class StoreWatch {
 public:
  struct Options {
    int rank = 0;
    int size = 1;
    std::string host;
    int store_rank = -1;  ///< rank that serves the store; -1: the launcher does
    std::string store_name;  ///< the store's address, "127.0.0.1:29500"
    std::string console;     ///< result of error_console()
    std::stop_token stop;
    const Activity* activity = nullptr;  ///< this rank's activity
  };

  /// Adds this rank to the job's board. `first` must outlive the watch.
  /// throws  what c10d throws if the store is gone
  StoreWatch(
      c10::intrusive_ptr<c10d::Store> store,
      FirstCause& first,
      Options options);
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;
  ~StoreWatch();

  /// Tells the board that this rank leaves or knows the cause, and ends the
  /// thread at once. After a failure, this is the rank's last use of the store.
  void stop() noexcept;
  /// Whether another rank tells this rank's console why the job failed. Valid
  /// after stop().
  bool is_told() const { return is_told_; }
  /// Polls the store without delay. Call it when all ranks have joined, so that
  /// the watch knows their hosts.
  void look_now();

 private:
  using Clock = std::chrono::steady_clock;
  struct Life {
    std::string beat;
    Clock::time_point changed;
    std::string host;
    ProcessId process;
  };

  void run();
  void poll();
  void find_joined();
  void look_for_dead(Clock::time_point now);
  std::string death_of(const Life& life, Clock::duration silent) const;
  void look_for_stop(Clock::time_point now);
  void found(const Cause& cause);
  void distrust(const Error& error);
  void note_seen();
  Cause store_gone(bool late) const;

  JobBoard board_;
  FirstCause& first_;
  const Options options_;
  std::map<int, Life> peers_;  ///< the ranks that have joined
  Clock::time_point last_poll_;
  std::optional<Clock::time_point> stop_requested_;
  bool seen_ = false;
  bool is_told_ = false;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  bool hurry_ = false;
  std::thread thread_;
};

}  // namespace pp
