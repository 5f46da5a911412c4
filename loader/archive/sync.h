#pragma once

#include <filesystem>

namespace pp {

/// When a complete file is synced to the disk: at once, or later by its caller,
/// who syncs the whole folder at the end with sync_all(). With `Later`, the
/// disk writes one file while the next is being made.
enum class Sync { Now, Later };

/// Waits until a file's content, or a folder's list of entries, is on the disk.
/// throws  Error(Runtime) naming the path and the system's reason
void sync_path(const std::filesystem::path& path);

/// Syncs every file in a folder, and then the folder itself.
/// throws  see sync_path()
void sync_all(const std::filesystem::path& folder);

}  // namespace pp
