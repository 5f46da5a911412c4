#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "loader/archive/checkpoint_folder.h"

// The folder that holds a job's checkpoints: the names in it, and how its
// entries are removed and renamed.

namespace pp {

/// Returns the path of the checkpoint of a step, `step_N`.
std::filesystem::path checkpoint_path(
    const std::filesystem::path& folder, int64_t step);

/// Returns the path at which the checkpoint of a step is written before it is
/// complete, `.step_N.tmp`.
std::filesystem::path unfinished_path(
    const std::filesystem::path& folder, int64_t step);

/// Makes `best` in the folder a link to the checkpoint of a step, or removes
/// the link if `step` is nullopt or has no checkpoint there.
/// throws  Error(Runtime) naming the path and the system's reason
void link_best(
    const std::filesystem::path& folder, std::optional<int64_t> step);

/// Checks that link_best() can make links in the folder, by making one there
/// or, if the folder doesn't exist yet, in the nearest folder above it, and
/// removing it.
///
/// throws  Error(Runtime) naming the path and the system's reason
void check_links(const std::filesystem::path& folder);

/// Returns the step of the checkpoint that `best` links to; nullopt if there is
/// no such link or no such checkpoint.
std::optional<int64_t> linked_best(const std::filesystem::path& folder);

/// Removes every `.step_*.tmp` in the folder.
/// throws  Error(Runtime) naming the path and the system's reason
void remove_unfinished(const std::filesystem::path& folder);

/// Renames `from` to `to` in one step that a crash cannot split. If there is a
/// folder at `to` already, `from` replaces it.
/// throws  Error(Runtime) naming the path and the system's reason
void move_folder(
    const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace pp
