#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace pp {

/// `step_N`
std::filesystem::path checkpoint_path(
    const std::filesystem::path& folder, int64_t step);

/// `.step_N.tmp`, where a checkpoint is written before it has its name.
std::filesystem::path unfinished_path(
    const std::filesystem::path& folder, int64_t step);

/// The N of a folder named `step_N`; nothing for other names.
std::optional<int64_t> step_of(const std::filesystem::path& path);

/// Removes every `.step_*.tmp`.
void remove_unfinished(const std::filesystem::path& folder);

/// Gives `from` the name `to` in one step that a crash cannot split, taking the
/// place of what `to` names.
void move_folder(
    const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace pp
