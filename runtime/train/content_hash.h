#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace pp {

/// XXH64 with seed 0, as 16 hex digits: finds damage, not malice.
/// source  https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md
std::string content_hash(std::span<const std::byte> bytes);

/// The hash of a whole file, mapped. throws  Error(Input) naming the path
std::string file_hash(const std::filesystem::path& path);

}  // namespace pp
