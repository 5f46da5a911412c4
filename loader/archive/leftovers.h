#pragma once

#include <filesystem>

namespace pp {

/// Chooses the processes whose leftovers are removed. Unfinished files and
/// folders lie next to the ones they will replace, and their names carry the id
/// of their process: `.NAME.tmp.PID` (TempFile), `.NAME.pp-PID` (stage
/// directories), `.NAME.pp-PID.weights` (BoundModel). A killed process leaves
/// them there.
enum class LeftBy {
  DeadProcesses,  ///< processes of this machine that no longer run
  ThisProcess,
};

/// Makes `path` absolute and removes a slash at its end, so that it has a file
/// name.
std::filesystem::path output_path(const std::filesystem::path& path);

/// Removes unfinished files and folders for `target`. A concurrent writer of
/// `target` in this process will fail. Errors are ignored.
void remove_leftovers(const std::filesystem::path& target, LeftBy who) noexcept;

}  // namespace pp
