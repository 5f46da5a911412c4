#pragma once

#include <chrono>

namespace pp {

// How long a thread spins before it parks. A hand-over to a spinning thread
// takes a fraction of a microsecond; waking a parked one takes tens of
// microseconds. If no message has arrived by then, other threads make better
// use of the core.
inline constexpr std::chrono::microseconds kSpin{40};

/// Longer waits are cut to this, so that adding them to steady_clock::now()
/// doesn't overflow.
inline constexpr std::chrono::milliseconds kLongest =
    std::chrono::hours(24 * 365);

/// Whether every one of `num_ranks` on this host has its own core. If ranks
/// share cores, one that spins keeps another from its work.
bool may_spin(int num_ranks);

/// Calls `changed` until it returns true or the end is reached.
template <typename Changed>
void spin_until(std::chrono::steady_clock::time_point end, Changed changed) {
  constexpr int kPausesPerLookAtTheClock = 64;
  for (int i = 1; !changed(); ++i) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    if (i % kPausesPerLookAtTheClock == 0 &&
        std::chrono::steady_clock::now() >= end) {
      return;
    }
  }
}

}  // namespace pp
