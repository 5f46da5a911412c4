#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include "loader/core/error.h"

namespace pp {

using Work = c10::intrusive_ptr<c10d::Work>;

/// Waits for c10d's Work objects, such that another thread can end the wait.
/// One thread waits at a time; any thread may interrupt.
class InterruptibleWait {
 public:
  /// grace  how long to wait for interrupt() after a connection has closed, see
  ///        ConnectOptions
  explicit InterruptibleWait(std::chrono::milliseconds grace) : grace_(grace) {}

  void interrupt(const Error& cause) noexcept;
  void throw_if_interrupted();

  /// Waits until `work` is done.
  ///
  /// deadline   the time at which to give up
  /// direction  "from" or "to"; like `timeout` and `peer`, used only in the
  ///            error's text
  /// throws     Error(Runtime): the interrupt's cause, the deadline passed, or
  ///            the peer closed its connection
  void wait(
      const Work& work,
      std::chrono::steady_clock::time_point deadline,
      std::chrono::milliseconds timeout,
      const char* direction,
      int peer);

  /// Throws the error for a broken connection to `peer`: the interrupt's cause
  /// if there is one within the grace period, otherwise an error that names the
  /// peer.
  [[noreturn]] void throw_closed(int peer);

 private:
  [[noreturn]] void throw_closed(std::unique_lock<std::mutex>& lock, int peer);
  void throw_cause() const;

  const std::chrono::milliseconds grace_;
  std::mutex mutex_;
  std::condition_variable interrupted_;
  std::optional<Error> cause_;
  Work current_;
};

}  // namespace pp
