#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "loader/core/log.h"
#include "runtime/launch/signals.h"

namespace pp {

/// Converts signals to requests to a job. The first signal asks a training job
/// to save and stop; the second signal, or the end of the time to save, asks
/// the job to stop now. Construct the object in main(), like a SignalWatch.
class StopSignals {
 public:
  /// time_to_save  how long the job may take to save; nullopt: the first signal
  ///               asks it to stop now
  /// log           receives a warning if saving takes longer than a second
  StopSignals(std::optional<std::chrono::milliseconds> time_to_save, Log log);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() = default;

  /// Records that the job has something to save from now on. Until then every
  /// signal asks the job to stop now.
  void allow_saving() { may_save_ = true; }

  std::stop_token save_and_stop() const { return save_.get_token(); }
  std::stop_token stop_now() const { return stop_.get_token(); }
  /// Returns the number of the first signal; 0 if none has arrived.
  int first() const { return first_; }

 private:
  void on_signal(int number);
  void wait_for_save(const std::stop_token& ended);

  std::optional<std::chrono::milliseconds> time_to_save_;
  Log log_;
  std::atomic<bool> may_save_{false};
  std::atomic<int> first_{0};
  std::stop_source save_;
  std::stop_source stop_;
  std::jthread timer_;  ///< started by the first signal
  /// Destroyed first, so that no signal reaches the other members.
  SignalWatch watch_;
};

}  // namespace pp
