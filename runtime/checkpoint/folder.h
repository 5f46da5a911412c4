#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

// The folder that holds a job's checkpoints: the names in it, and what may be
// removed or renamed.

namespace pp {

/// `step_N`
std::filesystem::path checkpoint_path(
    const std::filesystem::path& folder, int64_t step);

/// `.step_N.tmp`, where a checkpoint is written before it is complete.
std::filesystem::path unfinished_path(
    const std::filesystem::path& folder, int64_t step);

/// The N of a folder named `step_N`; nothing for other names.
std::optional<int64_t> step_of(const std::filesystem::path& path);

/// The `step_N` in a folder by ascending N; empty if the folder does not exist.
/// throws  Error(Input): the folder can't be read
std::vector<std::filesystem::path> list_checkpoints(
    const std::filesystem::path& folder);

/// Removes every `.step_*.tmp`.
/// throws  Error(Runtime) naming the path and the system's reason
void remove_unfinished(const std::filesystem::path& folder);

/// Renames `from` to `to` in one step that a crash cannot split. What `to`
/// named before is removed.
/// throws  Error(Runtime) naming the path and the system's reason
void move_folder(
    const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace pp
