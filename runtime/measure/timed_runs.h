#pragma once

#include <cstdint>
#include <functional>

namespace pp {

struct MeasureOptions {
  int warm_up = 2;
  int min_passes = 5;
  int max_passes = 100;
  double seconds = 1;  ///< no pass starts later, after min_passes
  int threads = 1;     ///< LibTorch's threads; default of a rank
};

/// Calls `pass` first to warm up, then until the limit on time or passes is
/// reached, with gradients off and `threads` threads. The argument of `pass` is
/// false while warming up.
void run_passes(
    const MeasureOptions& options, const std::function<void(bool)>& pass);

/// Returns the wall time of a call in nanoseconds.
uint64_t time_of(const std::function<void()>& work);

}  // namespace pp
