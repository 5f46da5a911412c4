#pragma once

#include <filesystem>

namespace pp {

/// Chooses the processes whose leftovers are removed. A leftover is an
/// unfinished file or folder, next to the file that it was meant to replace.
/// Its name contains the id of the process that made it: `.NAME.tmp.PID`
/// (TempFile), `.NAME.pp-PID` (stage directories), `.NAME.pp-PID.weights`
/// (BoundModel).
enum class LeftBy {
  DeadProcesses,  ///< processes of this machine that have ended
  ThisProcess,
};

/// Makes `path` absolute and removes a slash at its end, so that the result has
/// a file name.
std::filesystem::path output_path(const std::filesystem::path& path);

/// Removes unfinished files and folders that were to replace `target`. With
/// ThisProcess, a thread of this process that is writing `target` will fail.
/// Errors are ignored.
void remove_leftovers(const std::filesystem::path& target, LeftBy who) noexcept;

}  // namespace pp
