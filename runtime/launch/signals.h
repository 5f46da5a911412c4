#pragma once

#include <csignal>
#include <functional>
#include <thread>
#include <vector>

namespace pp {

struct CaughtSignal {
  int number = 0;
  /// Whether the terminal sent the signal (Ctrl-C) to every process of the
  /// foreground group.
  bool from_terminal = false;
};

/// Calls `callback` on a thread of this object for each SIGINT, SIGTERM and
/// SIGHUP, which no longer end the process. The callback may call any function.
/// SIGHUP stays ignored if the process was started with SIGHUP ignored (nohup).
///
/// The command `timeout` and some launchers send one request twice, first to a
/// process and then to its group. So a signal that follows another one within a
/// quarter of a second is ignored.
///
/// The signals are blocked on the constructing thread and on threads that it
/// starts afterwards. So construct the object in main(), before other threads,
/// and only one at a time. Start child processes with previous_mask().
class SignalWatch {
 public:
  explicit SignalWatch(std::function<void(const CaughtSignal&)> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// Restores the previous signal mask.
  ~SignalWatch();

  /// The signal mask that the constructing thread had before.
  const sigset_t& previous_mask() const { return previous_; }

 private:
  void run();

  std::function<void(const CaughtSignal&)> callback_;
  sigset_t previous_{};
  int signals_ = -1;  ///< a signalfd
  int stop_ = -1;     ///< an eventfd
  std::thread thread_;
};

}  // namespace pp
