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

#include "runtime/launch/first_cause.h"
#include "runtime/launch/job_board.h"

namespace pp {

/// Watches the job from a thread of its own, with a store connection of its
/// own: gives signs of life, and puts the first cause found into a FirstCause.
/// A cause is one that another rank published, a rank that died (it gives no
/// sign of life, and its process is gone or out of sight), the store being
/// gone, or a request to stop. A process that is there but stands still is no
/// cause here: who waits for it finds out after its stall timeout. It also
/// tells the others what this rank is at.
class StoreWatch {
 public:
  struct Options {
    int rank = 0;
    int size = 1;
    std::string host;
    int store_rank = -1;     ///< the rank that serves the store; -1: none
    std::string store_name;  ///< "127.0.0.1:29500"
    std::stop_token stop;
    const Activity* activity = nullptr;  ///< of this rank
  };

  /// The rank joins the board. `first` must outlive the watch.
  /// throws what c10d throws if the store is gone
  StoreWatch(
      c10::intrusive_ptr<c10d::Store> store,
      FirstCause& first,
      Options options);
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;
  ~StoreWatch();

  /// Says goodbye, or that the cause is known, and ends the thread. Does not
  /// wait for a poll. After a failure it is this rank's last use of the store.
  void stop() noexcept;
  /// All ranks have joined: from now on it knows each by its host.
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
  Cause store_gone(bool late) const;

  JobBoard board_;
  FirstCause& first_;
  const Options options_;
  std::map<int, Life> peers_;  ///< those who have joined
  Clock::time_point last_poll_;
  std::optional<Clock::time_point> stop_requested_;
  bool seen_ = false;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  bool hurry_ = false;
  std::thread thread_;
};

}  // namespace pp
