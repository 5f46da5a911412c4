#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace pp {

/// The XXH64 hash with seed 0, as 16 hex digits. It detects damage, not
/// tampering.
std::string content_hash(std::span<const std::byte> bytes);

/// The hash of a whole file.
/// throws  Error(Input) naming the path
std::string file_hash(const std::filesystem::path& path);

}  // namespace pp
