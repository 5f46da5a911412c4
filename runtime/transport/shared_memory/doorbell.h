#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "runtime/transport/spin.h"

namespace pp {

/// Wakes the one thread that waits for changes in memory that processes share.
/// The bell itself is in that memory; all zeros are a valid bell.
class Doorbell {
 public:
  /// Wakes the waiting thread. Call it after a change, from any thread of any
  /// process.
  void ring() noexcept {
    rings_.fetch_add(1);
    if (parked_.load() != 0) {
      wake();
    }
  }

  /// Waits until ready() returns true or the deadline passes, and returns the
  /// result of ready(). Calls ready(), which may change state, at first and
  /// after each ring, on the waiting thread. With `spin`, spins for kSpin
  /// before it sleeps.
  template <typename Ready>
  bool wait(
      std::chrono::steady_clock::time_point deadline, bool spin, Ready ready) {
    for (;;) {
      const uint32_t seen = rings_.load();
      if (ready()) {
        return true;
      }
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline) {
        return false;
      }
      if (spin) {
        spin_until(std::min(deadline, now + kSpin), [&] {
          return rings_.load(std::memory_order_acquire) != seen;
        });
      }
      parked_.store(1);
      park(seen, deadline);
      parked_.store(0);
    }
  }

 private:
  void wake() noexcept;
  /// Sleeps until a ring or the deadline. Returns at once if the bell has rung
  /// since `seen`.
  void park(uint32_t seen, std::chrono::steady_clock::time_point deadline);

  std::atomic<uint32_t> rings_;
  std::atomic<uint32_t> parked_;
};

}  // namespace pp
