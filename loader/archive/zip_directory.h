#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pp::zip {

/// An entry of a zip's directory, which describes one record.
struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc32 = 0;
  uint64_t stored_bytes = 0;  ///< size of the payload in the file
  /// Size of the content; equals stored_bytes unless deflated.
  uint64_t inflated_bytes = 0;
  uint64_t header_offset = 0;  ///< offset of the record's local header
  uint64_t payload_offset = 0;
};

/// Reads the directory of the zip in `bytes` and checks that each record's
/// local header agrees with the directory. Checks all numbers: each record lies
/// inside `bytes`, before the directory, and overlaps no other record.
///
/// label   names the file in messages
/// throws  Error(Input): the directory or a local header is damaged
std::vector<Entry> read_directory(
    std::span<const std::byte> bytes, const std::string& label);

}  // namespace pp::zip
