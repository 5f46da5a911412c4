#pragma once

#include <chrono>
#include <optional>

namespace pp {

/// Returns the time at which the torchrun that started this process was itself
/// started. Processes that torchrun restarts (--max-restarts) get the same
/// time. Returns nullopt if no torchrun started this process, or if the time
/// can't be determined.
std::optional<std::chrono::system_clock::time_point> torchrun_start();

}  // namespace pp
