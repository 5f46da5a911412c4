#pragma once

#include <chrono>

namespace pp {

// A hand-over to a thread that spins takes a fraction of a microsecond, waking
// a parked one tens of them. Longer than this the next message is not about to
// come, and the core is of more use to somebody else.
inline constexpr std::chrono::microseconds kSpin{40};

/// Beyond this a wait is for ever, and steady_clock::now() + it must not
/// overflow.
inline constexpr std::chrono::milliseconds kLongest =
    std::chrono::hours(24 * 365);

/// Whether every rank of this host has a core of its own. Where ranks share
/// cores, a spinning one keeps another from its work.
bool may_spin(int num_ranks);

/// Calls `changed` until it is true or the time is over.
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
