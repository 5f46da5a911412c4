#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pp {

/// Writes a whole file: temporary file beside it, fsync, rename, so that a
/// reader sees the old content or the new, never a part.
/// throws Error(Runtime) naming the path and the system's reason
void write_file(const std::filesystem::path& path, std::string_view content);

/// throws Error(Input) naming the path
std::string read_file(const std::filesystem::path& path);

}  // namespace pp
