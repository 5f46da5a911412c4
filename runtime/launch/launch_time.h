#pragma once

#include <chrono>
#include <optional>

namespace pp {

/// Returns the time at which the torchrun that started this process was itself
/// started. A process that it restarts (--max-restarts) gets the same time.
/// Nothing if no torchrun started this process, or if that can't be determined.
std::optional<std::chrono::system_clock::time_point> torchrun_start();

}  // namespace pp
