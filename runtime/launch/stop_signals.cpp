#include "runtime/launch/stop_signals.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

#include "loader/core/text.h"

namespace pp {
namespace {

using std::chrono::milliseconds;

// Most saves take less, and then there is nothing to explain.
constexpr milliseconds kSilentSave{1000};

/// Returns false if `ended` was requested meanwhile.
bool sleep_unless(const std::stop_token& ended, milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, ended, time, [] { return false; });
  return !ended.stop_requested();
}

}  // namespace

StopSignals::StopSignals(std::optional<milliseconds> time_to_save, Log log)
    : time_to_save_(time_to_save),
      log_(std::move(log)),
      watch_([this](const CaughtSignal& signal) { on_signal(signal.number); }) {
}

void StopSignals::on_signal(int number) {
  if (first_ != 0 || !time_to_save_ || !may_save_) {
    if (first_ == 0) {
      first_ = number;
    }
    stop_.request_stop();
    return;
  }
  first_ = number;
  save_.request_stop();
  timer_ = std::jthread(
      [this](const std::stop_token& ended) { wait_for_save(ended); });
}

void StopSignals::wait_for_save(const std::stop_token& ended) {
  const milliseconds silent = std::min(kSilentSave, *time_to_save_);
  if (!sleep_unless(ended, silent)) {
    return;
  }
  log_.warning(
      "finishing the step and saving, for at most " +
      std::to_string(time_to_save_->count() / 1000) +
      " s; a second signal stops at once");
  if (sleep_unless(ended, *time_to_save_ - silent)) {
    stop_.request_stop();
  }
}

}  // namespace pp
