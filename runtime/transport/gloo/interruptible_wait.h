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

/// Waits for c10d's works so that another thread can end the wait. One thread
/// waits at a time; any thread may interrupt.
class InterruptibleWait {
 public:
  /// grace  see ConnectOptions
  explicit InterruptibleWait(std::chrono::milliseconds grace) : grace_(grace) {}

  void interrupt(const Error& cause) noexcept;
  void throw_if_interrupted();

  /// Waits until `work` is done.
  /// deadline   when to give up
  /// timeout, direction ("from" or "to"), peer   for the error's text
  /// throws Error(Runtime): the interrupt's cause, the deadline passed, or the
  ///        peer closed its connection
  void wait(
      const Work& work,
      std::chrono::steady_clock::time_point deadline,
      std::chrono::milliseconds timeout,
      const char* direction,
      int peer);

  /// Reports that the connection to `peer` broke: throws the interrupt's cause
  /// if there is one within the grace period, else an error that names the
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
