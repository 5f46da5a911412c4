#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace pp {

/// Computes the XXH64 hash with seed 0, as 16 hex digits. The hash detects
/// damage, not tampering.
std::string content_hash(std::span<const std::byte> bytes);

/// Computes content_hash() of a whole file.
/// throws  Error(Input) naming the path: the file can't be read
std::string file_hash(const std::filesystem::path& path);

}  // namespace pp
