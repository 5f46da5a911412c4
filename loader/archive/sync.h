#pragma once

#include <filesystem>

namespace pp {

/// When a complete file goes to the disk. `Later`: whoever puts its folder into
/// place syncs all of it at once (sync_all): the disk then writes one file
/// while the next is being made.
enum class Sync { Now, Later };

/// Returns when a file's content, or a folder's names, are on the disk.
/// throws Error(Runtime) naming the path and the system's reason
void sync_path(const std::filesystem::path& path);

/// The same for every file in a folder, and for the folder.
void sync_all(const std::filesystem::path& folder);

}  // namespace pp
