#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace pp {

/// Polls until `done()` is true, often at first, then with pauses of at most
/// `longest_pause`. Returns false after `limit`.
template <class Done>
bool look_until(
    std::chrono::milliseconds limit,
    std::chrono::milliseconds longest_pause,
    Done done) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  for (std::chrono::milliseconds pause{1}; !done();
       pause = std::min(2 * pause, longest_pause)) {
    if (Clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace pp
