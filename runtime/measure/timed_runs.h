#pragma once

#include <cstdint>
#include <functional>

namespace pp {

struct MeasureOptions {
  int warm_up = 2;
  int min_passes = 5;
  int max_passes = 100;
  double seconds = 1;  ///< after this time and min_passes, no pass starts
  int threads = 1;     ///< number of LibTorch's threads; a rank's default
};

/// Calls `pass` to warm up, then until the limit on time or on passes is
/// reached, with gradients off and `threads` threads. `pass` receives false
/// during warm-up, and true when the pass counts.
void run_passes(
    const MeasureOptions& options, const std::function<void(bool)>& pass);

/// Returns the wall time of a call in nanoseconds.
uint64_t time_of(const std::function<void()>& work);

}  // namespace pp
