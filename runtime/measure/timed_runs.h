#pragma once

#include <cstdint>
#include <functional>

namespace pp {

struct MeasureOptions {
  int warm_up = 2;
  int min_passes = 5;
  int max_passes = 100;
  double seconds = 1;  ///< no pass starts later, but for the first few
  int threads = 1;     ///< as a rank has them
};

/// Calls `pass` for warm-up, then until time or passes are used up, without
/// gradients, with `threads` threads. The argument says whether it counts.
void run_passes(
    const MeasureOptions& options, const std::function<void(bool)>& pass);

/// Wall time of a call in nanoseconds.
uint64_t time_of(const std::function<void()>& work);

}  // namespace pp
