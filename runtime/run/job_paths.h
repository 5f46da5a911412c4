#pragma once

#include "loader/sandbox/sandbox.h"
#include "runtime/job/job.h"

namespace pp {

/// Returns the sandbox rules for a job, which permit the files and folders that
/// its ranks must open.
SandboxRules paths_of(const Job& job);

/// Returns the folder of the files if the last part of the path is a pattern,
/// as in "weights/*.safetensors"; otherwise the path itself.
std::filesystem::path place_of(const std::filesystem::path& path);

}  // namespace pp
