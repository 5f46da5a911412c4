#pragma once

#include "loader/sandbox/sandbox.h"
#include "runtime/job/job.h"

namespace pp {

/// The files and folders that a job names: what its ranks have to open.
SandboxRules paths_of(const Job& job);

/// The folder that holds the files of a pattern such as "weights/*.safetensors"
/// in its last part; else the path itself.
std::filesystem::path place_of(const std::filesystem::path& path);

}  // namespace pp
