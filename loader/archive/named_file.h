#pragma once

#include <filesystem>

namespace pp {

/// Returns whether the open file with the descriptor `file` is still at `path`.
/// False once the file was moved, removed or replaced, even if it exists under
/// another name (NFS renames a removed file that is open). True if the system
/// can't tell.
bool is_named(const std::filesystem::path& path, int file);

}  // namespace pp
