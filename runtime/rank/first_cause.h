#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/rank/failure.h"
#include "runtime/transport/transport.h"

namespace pp {

/// The first cause of failure that this process knows. Once it is set, every
/// wait of the attached transports throws it. Thread-safe.
class FirstCause {
 public:
  /// Keeps `cause` if it is the first, and then interrupts the transports.
  /// Returns the first cause.
  Cause set(const Cause& cause);

  std::optional<Cause> get() const;

  /// Throws JobFailed if there is a cause; otherwise costs one atomic read.
  void check() const;

  /// Waits for a cause. Returns whether there is one.
  bool wait_for(std::chrono::milliseconds timeout) const;

  /// Interrupts `transport` once there is a cause, until detach().
  void attach(Transport& transport);
  void detach(Transport& transport);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::atomic<bool> has_cause_{false};
  std::optional<Cause> cause_;
  std::vector<Transport*> transports_;
};

}  // namespace pp
