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

/// The first cause of failure that this process knows of. Once it is set, every
/// wait of the attached transports throws. Thread safe.
class FirstCause {
 public:
  /// If there is no cause yet, keeps `cause` and interrupts the transports.
  /// Returns the cause that is kept.
  Cause set(const Cause& cause);

  std::optional<Cause> get() const;

  /// Throws JobFailed if there is a cause. Otherwise it costs one atomic read.
  void check() const;

  /// Waits until there is a cause or `timeout` has passed. Returns whether
  /// there is a cause.
  bool wait_for(std::chrono::milliseconds timeout) const;

  /// Makes the first cause interrupt `transport`, at once if there is a cause
  /// already. detach() undoes this.
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
