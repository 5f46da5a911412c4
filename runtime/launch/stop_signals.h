#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "loader/core/log.h"
#include "runtime/launch/signals.h"

namespace pp {

/// Turns signals into requests to a job. The first signal asks a training job
/// to save and stop; the second one, or the end of the time to save, asks it to
/// stop now. Construct it in main(), like a SignalWatch.
class StopSignals {
 public:
  /// time_to_save  nullopt: the first signal asks to stop now
  /// log           reports on stderr if saving takes longer than a second
  StopSignals(std::optional<std::chrono::milliseconds> time_to_save, Log log);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() = default;

  /// Says that the job has something to save from now on; until then every
  /// signal asks to stop now.
  void allow_saving() { may_save_ = true; }

  std::stop_token save_and_stop() const { return save_.get_token(); }
  std::stop_token stop_now() const { return stop_.get_token(); }
  /// The number of the first signal; 0 if none arrived.
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
  SignalWatch watch_;   ///< destroyed first
};

}  // namespace pp
