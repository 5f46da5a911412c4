#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pp {

/// Lists what a process may still open after enter_sandbox().
struct SandboxRules {
  /// Files, and folders with what is below them and what the links in them
  /// lead to.
  std::vector<std::filesystem::path> reads = {};
  /// Folders to read, write, make and remove files in. One that doesn't exist
  /// yet stands for the nearest folder above it that does.
  std::vector<std::filesystem::path> writes = {};
};

/// Lets this thread, and those that it starts from now on, open files by these
/// rules only, besides the system's own folders and the libraries that the
/// process has mapped; and execute no program. What is open stays open. It
/// can't be undone. (Landlock, Linux 5.13)
///
/// returns  why that isn't possible here: "the kernel has no Landlock"; empty
///          if it holds from now on
/// throws   Error(Runtime): it failed halfway
std::string enter_sandbox(const SandboxRules& rules);

}  // namespace pp
