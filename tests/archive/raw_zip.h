#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_format.h"
#include "loader/archive/zip_inflate.h"

namespace pp::test {

/// An entry of a hand-made zip: right by default, every field can be bent.
struct RawEntry {
  std::string name;
  std::string payload;  ///< as it lies in the file
  uint16_t flags = 0;
  uint16_t method = zip::kStored;
  uint64_t size = 0;            ///< inflated; 0: the payload's own
  std::string extra = {};       ///< of the directory entry
  std::string local_name = {};  ///< empty: the same
  uint32_t size_field = 0;      ///< in the directory; 0: the right one
  uint32_t offset_field = 0;    ///< in the directory; 0: the right one
  bool descriptor = false;      ///< as PyTorch writes: sizes behind the payload
};

/// A zip without zip64 end records, such as other tools write.
inline std::string raw_zip(const std::vector<RawEntry>& entries) {
  std::string out;
  std::string directory;
  for (const RawEntry& entry : entries) {
    const auto offset = static_cast<uint32_t>(out.size());
    const auto stored = static_cast<uint32_t>(entry.payload.size());
    const auto size =
        entry.size == 0 ? stored : static_cast<uint32_t>(entry.size);
    const uint32_t crc = zip::crc32_of(as_bytes(entry.payload));
    const auto flags = static_cast<uint16_t>(
        entry.flags | (entry.descriptor ? zip::kFlagDescriptor : 0));
    const std::string& local =
        entry.local_name.empty() ? entry.name : entry.local_name;

    append_le<uint32_t>(out, zip::kLocalMagic);
    append_le<uint16_t>(out, 20);
    append_le<uint16_t>(out, flags);
    append_le<uint16_t>(out, entry.method);
    append_le<uint32_t>(out, 0);
    append_le<uint32_t>(out, entry.descriptor ? 0 : crc);
    append_le<uint32_t>(out, entry.descriptor ? 0 : stored);
    append_le<uint32_t>(out, entry.descriptor ? 0 : size);
    append_le<uint16_t>(out, static_cast<uint16_t>(local.size()));
    append_le<uint16_t>(out, 0);
    out += local + entry.payload;
    if (entry.descriptor) {
      append_le<uint32_t>(out, 0x08074b50);
      append_le<uint32_t>(out, crc);
      append_le<uint32_t>(out, stored);
      append_le<uint32_t>(out, size);
    }

    append_le<uint32_t>(directory, zip::kEntryMagic);
    append_le<uint16_t>(directory, 20);
    append_le<uint16_t>(directory, 20);
    append_le<uint16_t>(directory, flags);
    append_le<uint16_t>(directory, entry.method);
    append_le<uint32_t>(directory, 0);
    append_le<uint32_t>(directory, crc);
    const uint32_t field = entry.size_field;
    append_le<uint32_t>(directory, field == 0 ? stored : field);
    append_le<uint32_t>(directory, field == 0 ? size : field);
    append_le<uint16_t>(directory, static_cast<uint16_t>(entry.name.size()));
    append_le<uint16_t>(directory, static_cast<uint16_t>(entry.extra.size()));
    append_le<uint16_t>(directory, 0);
    append_le<uint16_t>(directory, 0);
    append_le<uint16_t>(directory, 0);
    append_le<uint32_t>(directory, 0);
    append_le<uint32_t>(
        directory, entry.offset_field == 0 ? offset : entry.offset_field);
    directory += entry.name + entry.extra;
  }
  const size_t offset = out.size();
  out += directory;
  append_le<uint32_t>(out, zip::kEndMagic);
  append_le<uint32_t>(out, 0);
  append_le<uint16_t>(out, static_cast<uint16_t>(entries.size()));
  append_le<uint16_t>(out, static_cast<uint16_t>(entries.size()));
  append_le<uint32_t>(out, static_cast<uint32_t>(directory.size()));
  append_le<uint32_t>(out, static_cast<uint32_t>(offset));
  append_le<uint16_t>(out, 0);
  return out;
}

/// A zip64 extra field with these numbers.
inline std::string zip64_field(const std::vector<uint64_t>& numbers) {
  std::string out;
  append_le<uint16_t>(out, zip::kExtraZip64);
  append_le<uint16_t>(out, static_cast<uint16_t>(8 * numbers.size()));
  for (const uint64_t number : numbers) {
    append_le<uint64_t>(out, number);
  }
  return out;
}

}  // namespace pp::test
