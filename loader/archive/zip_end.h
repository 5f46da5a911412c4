#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pp::zip {

/// The location of a zip's directory.
struct DirectoryPlace {
  uint64_t offset = 0;
  uint64_t num_bytes = 0;
  uint64_t num_entries = 0;
};

/// Finds a zip's directory by the records at the end of `bytes`. Checks that
/// the directory lies inside `bytes`, ends where those records begin, and is
/// long enough for its entries.
/// label   names the file in messages
/// throws  Error(Input): not a zip, truncated, a multi-part zip
DirectoryPlace find_directory(
    std::span<const std::byte> bytes, const std::string& label);

}  // namespace pp::zip
