#pragma once

#include <chrono>
#include <optional>

namespace pp {

/// When the torchrun that started this process was itself started: a process
/// restarted by it (--max-restarts) gets the same time. Nothing where there is
/// no torchrun above this process, or it can't be found out.
std::optional<std::chrono::system_clock::time_point> torchrun_start();

}  // namespace pp
