#pragma once

#include <filesystem>

namespace pp {

/// Files and folders in the making lie beside what they will replace and carry
/// the id of their process: `.NAME.tmp.PID` (TempFile), `.NAME.pp-PID` (stage
/// directories), `.NAME.pp-PID.weights` (BoundModel). One that was killed
/// leaves them behind.
enum class LeftBy {
  DeadProcesses,  ///< of this machine; others are left alone
  ThisProcess,
};

/// `path` absolute and without a slash at its end, so that it has a file name.
std::filesystem::path output_path(const std::filesystem::path& path);

/// Removes what was in the making for `target`. Another thread may be writing
/// it meanwhile: that fails then. Errors are passed over.
void remove_leftovers(const std::filesystem::path& target, LeftBy who) noexcept;

}  // namespace pp
