#pragma once

#include <filesystem>

namespace pp {

/// When a complete file is synced to the disk. With `Later` the caller syncs
/// the whole folder at the end (sync_all), so that the disk writes one file
/// while the next is being made.
enum class Sync { Now, Later };

/// Waits until a file's content, or a folder's entries, are on the disk.
/// throws Error(Runtime) naming the path and the system's reason
void sync_path(const std::filesystem::path& path);

/// Syncs every file in a folder and then the folder itself, like sync_path().
void sync_all(const std::filesystem::path& folder);

}  // namespace pp
