#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/launch/failure.h"
#include "runtime/transport/transport.h"

namespace pp {

/// The first cause of failure as this process knows it. Thread safe.
class FirstCause {
 public:
  /// Keeps `cause` if it is the first, and interrupts the transports.
  /// Returns the first.
  Cause set(const Cause& cause);

  std::optional<Cause> get() const;

  /// Throws JobFailed if there is a cause. Costs one atomic read if not.
  void check() const;

  /// Waits for a cause; whether there is one.
  bool wait_for(std::chrono::milliseconds timeout) const;

  /// Interrupts `transport` when the cause comes, or now.
  void attach(Transport& transport);
  void detach(Transport& transport);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::atomic<bool> known_{false};
  std::optional<Cause> cause_;
  std::vector<Transport*> transports_;
};

}  // namespace pp
