#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pp {

/// Writes a whole file atomically: writes a temporary file in the same folder,
/// syncs it, and renames it to `path`. A reader sees either the old content or
/// the new.
/// throws  Error(Runtime) naming the path and the system's reason
void write_file(const std::filesystem::path& path, std::string_view content);

/// Writes a new file like write_file(). If `path` already exists, returns false
/// and leaves the file unchanged.
/// throws  what write_file() throws
bool write_new_file(
    const std::filesystem::path& path, std::string_view content);

/// Reads a whole file.
/// throws  Error(Input) naming the path: the file can't be read
std::string read_file(const std::filesystem::path& path);

}  // namespace pp
