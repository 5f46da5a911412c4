#pragma once

#include <chrono>

namespace pp {

// How long a thread spins before it sleeps. To hand a message to a spinning
// thread takes a fraction of a microsecond; to wake a sleeping thread takes
// tens of microseconds. If no message has arrived after this time, other
// threads make better use of the core.
inline constexpr std::chrono::microseconds kSpin{40};

/// The longest wait. Longer timeouts are reduced to it, so that adding them to
/// steady_clock::now() doesn't overflow.
inline constexpr std::chrono::milliseconds kLongest =
    std::chrono::hours(24 * 365);

/// Whether each of the `num_ranks` ranks on this host has its own core. If
/// ranks share cores, a rank that spins keeps another from working.
bool may_spin(int num_ranks);

/// Calls `changed` repeatedly until it returns true or the time `end` is
/// reached.
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
