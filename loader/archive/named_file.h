#pragma once

#include <filesystem>

namespace pp {

/// Returns whether `path` names the open file `file`, a descriptor. False once
/// the file was moved, removed or replaced, even if it lives on under another
/// name, as a removed file that is open does on NFS. True if the system can't
/// tell.
bool is_named(const std::filesystem::path& path, int file);

}  // namespace pp
