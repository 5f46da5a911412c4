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

/// Waits for c10d's works that another thread can end. One thread waits at a
/// time; any thread interrupts.
class InterruptibleWait {
 public:
  /// grace  see GlooOptions
  explicit InterruptibleWait(std::chrono::milliseconds grace) : grace_(grace) {}

  void interrupt(const Error& cause) noexcept;
  void throw_if_interrupted();

  /// deadline   when to give up; `timeout`, `direction` ("from" or "to") and
  ///            `peer` are for the error's text
  /// throws     the cause, "waited ... for" or "rank N closed its connection"
  void wait(
      const Work& work,
      std::chrono::steady_clock::time_point deadline,
      std::chrono::milliseconds timeout,
      const char* direction,
      int peer);

  /// The connection to `peer` broke: throws the cause if one comes within the
  /// grace, else that.
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
