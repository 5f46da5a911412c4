#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pp {

/// The files that a process may still open after enter_sandbox().
struct SandboxRules {
  /// Files and folders that may be read. A folder stands for everything in it,
  /// including the targets of its symbolic links.
  std::vector<std::filesystem::path> reads = {};
  /// Folders in which files may be read, written, created and removed. For a
  /// folder that doesn't exist yet, its nearest existing ancestor is used.
  std::vector<std::filesystem::path> writes = {};
};

/// Restricts the calling thread, and threads that it starts later, to the files
/// in `rules`, the system's own folders and the libraries that the process has
/// mapped. Also forbids executing programs. Files that are already open stay
/// open. The restriction can't be undone. (Landlock, Linux 5.13)
///
/// returns  why the sandbox isn't possible here ("the kernel has no Landlock");
///          an empty string if the sandbox is now in force
/// throws   Error(Runtime): a system call failed while the sandbox was being
///          set up
std::string enter_sandbox(const SandboxRules& rules);

}  // namespace pp
