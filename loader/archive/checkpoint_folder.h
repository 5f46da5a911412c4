#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

// The checkpoints of a run lie in RUN/checkpoints/step_N.

namespace pp {

inline constexpr std::string_view kCheckpointPrefix = "step_";

/// Returns the N of a folder named `step_N`; nullopt for any other name.
std::optional<int64_t> step_of(const std::filesystem::path& path);

/// Returns the paths `step_N` in a folder by ascending N; empty if the folder
/// does not exist.
/// throws  Error(Input): the folder can't be read
std::vector<std::filesystem::path> list_checkpoints(
    const std::filesystem::path& folder);

/// Returns the folder of the checkpoint that `path` stands for: the newest one
/// if `path` is a run's folder or its `checkpoints` folder, otherwise `path`.
/// throws  Error(Input): the folder of a run has no checkpoint, or can't be
/// read
std::filesystem::path checkpoint_in(const std::filesystem::path& path);

}  // namespace pp
