#pragma once

#include <functional>
#include <thread>
#include <vector>

#include <signal.h>

namespace pp {

struct CaughtSignal {
  int number = 0;
  /// The terminal sent it (Ctrl-C), to every process of the foreground group.
  bool from_terminal = false;
};

/// Turns SIGINT and SIGTERM into calls on a thread of this object, where
/// anything may be done, instead of ending the process.
///
/// The signals are blocked on the constructing thread and on the threads it
/// starts from then on: construct it in main(), before other threads. One at a
/// time; a program started meanwhile must be given previous_mask().
class SignalWatch {
 public:
  explicit SignalWatch(std::function<void(const CaughtSignal&)> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// The signals are again what they were before.
  ~SignalWatch();

  /// The mask that the thread had before.
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
