#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pp {

/// Lists what a process may still open after enter_sandbox().
struct SandboxRules {
  /// Files, and folders with everything in them and the targets of their links.
  std::vector<std::filesystem::path> reads = {};
  /// Folders in which files may be read, written, made and removed. A folder
  /// that doesn't exist yet stands for its nearest ancestor that does.
  std::vector<std::filesystem::path> writes = {};
};

/// Restricts this thread, and threads that it starts from now on, to the files
/// in `rules`, the system's own folders and the libraries that the process has
/// mapped, and forbids executing programs. Files that are already open stay
/// open. It can't be undone. (Landlock, Linux 5.13)
///
/// returns  why the sandbox isn't possible here: "the kernel has no Landlock";
///          empty if it is in force from now on
/// throws   Error(Runtime): it failed halfway
std::string enter_sandbox(const SandboxRules& rules);

}  // namespace pp
