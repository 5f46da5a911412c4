#pragma once

#include <filesystem>

namespace pp {

/// When to sync a complete file to the disk: now, or later, when the caller
/// syncs the whole folder with sync_all(). With `Later`, the disk writes one
/// file while the next is being made.
enum class Sync { Now, Later };

/// Waits until a file's content, or a folder's list of entries, is on the disk.
/// throws  Error(Runtime) naming the path and the system's reason
void sync_path(const std::filesystem::path& path);

/// Syncs every file in a folder, and then the folder itself.
/// throws  see sync_path()
void sync_all(const std::filesystem::path& folder);

}  // namespace pp
