#pragma once

#include <filesystem>

#include "runtime/job/job.h"

namespace pp {

/// Refuses, before anything runs, an output folder that can't be made or
/// written into, its `checkpoints` included. Makes nothing.
/// throws Error(Usage) naming the folder and the reason
void check_output_folder(const Job& job);

/// The folder itself, or the nearest above it that is there.
std::filesystem::path nearest_that_exists(std::filesystem::path path);

/// throws Error(Runtime) naming the folder and the system's reason
void make_output_folder(const std::filesystem::path& path);

}  // namespace pp
