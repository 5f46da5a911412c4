#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pp::zip {

/// Position of a zip's directory.
struct DirectoryPlace {
  uint64_t offset = 0;
  uint64_t num_bytes = 0;
  uint64_t num_entries = 0;
};

/// Finds the directory by the records at the end of `bytes`. Checks that it
/// lies inside `bytes`, ends where those records begin, and is long enough for
/// its entries.
/// throws  Error(Input): not a zip, truncated, a multi-part zip
DirectoryPlace find_directory(
    std::span<const std::byte> bytes, const std::string& label);

}  // namespace pp::zip
