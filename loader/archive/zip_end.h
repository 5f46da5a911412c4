#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pp::zip {

/// Where a zip's directory lies.
struct DirectoryPlace {
  uint64_t offset = 0;
  uint64_t num_bytes = 0;
  uint64_t num_entries = 0;
};

/// Finds the directory from the records at the end of `bytes`. It lies inside
/// `bytes`, ends right where those records begin, and is long enough for its
/// entries.
/// throws  Error(Input): not a zip, truncated, a zip of several parts
DirectoryPlace find_directory(
    std::span<const std::byte> bytes, const std::string& label);

}  // namespace pp::zip
