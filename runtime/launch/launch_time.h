#pragma once

#include <chrono>
#include <optional>

namespace pp {

/// Returns the start time of the torchrun process that started this process.
/// Processes that torchrun restarts (--max-restarts) get the same time. Returns
/// nullopt if no torchrun started this process, or if the time can't be
/// determined.
std::optional<std::chrono::system_clock::time_point> torchrun_start();

}  // namespace pp
