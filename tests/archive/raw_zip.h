#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_format.h"
#include "loader/archive/zip_inflate.h"

namespace pp::test {

/// An entry of a hand-made zip. It is correct by default; tests falsify fields.
struct RawEntry {
  std::string name;
  std::string payload;  ///< the bytes in the file
  uint16_t flags = 0;
  uint16_t method = zip::kStored;
  uint64_t size = 0;            ///< inflated size; 0: the payload's
  std::string extra = {};       ///< extra field of the directory entry
  std::string local_name = {};  ///< empty: equal to `name`
  uint32_t size_field = 0;      ///< in the directory; 0: the correct one
  uint32_t offset_field = 0;    ///< in the directory; 0: the correct one
  bool descriptor = false;      ///< sizes after the payload, like PyTorch
};

/// An entry's sizes, and the fields that both of its headers hold.
struct RawHeader {
  explicit RawHeader(const RawEntry& entry)
      : stored(static_cast<uint32_t>(entry.payload.size())),
        size(entry.size == 0 ? stored : static_cast<uint32_t>(entry.size)),
        crc(zip::crc32_of(as_bytes(entry.payload))),
        flags(static_cast<uint16_t>(
            entry.flags | (entry.descriptor ? zip::kFlagDescriptor : 0))) {}

  uint32_t stored;
  uint32_t size;
  uint32_t crc;
  uint16_t flags;
};

inline void append_local(std::string& out, const RawEntry& entry) {
  const RawHeader header(entry);
  const std::string& name =
      entry.local_name.empty() ? entry.name : entry.local_name;
  append_le<uint32_t>(out, zip::kLocalMagic);
  append_le<uint16_t>(out, 20);
  append_le<uint16_t>(out, header.flags);
  append_le<uint16_t>(out, entry.method);
  append_le<uint32_t>(out, 0);
  append_le<uint32_t>(out, entry.descriptor ? 0 : header.crc);
  append_le<uint32_t>(out, entry.descriptor ? 0 : header.stored);
  append_le<uint32_t>(out, entry.descriptor ? 0 : header.size);
  append_le<uint16_t>(out, static_cast<uint16_t>(name.size()));
  append_le<uint16_t>(out, 0);
  out += name + entry.payload;
  if (entry.descriptor) {
    append_le<uint32_t>(out, 0x08074b50);
    append_le<uint32_t>(out, header.crc);
    append_le<uint32_t>(out, header.stored);
    append_le<uint32_t>(out, header.size);
  }
}

inline void append_directory_entry(
    std::string& out, const RawEntry& entry, uint32_t offset) {
  const RawHeader header(entry);
  const uint32_t field = entry.size_field;
  append_le<uint32_t>(out, zip::kEntryMagic);
  append_le<uint16_t>(out, 20);
  append_le<uint16_t>(out, 20);
  append_le<uint16_t>(out, header.flags);
  append_le<uint16_t>(out, entry.method);
  append_le<uint32_t>(out, 0);
  append_le<uint32_t>(out, header.crc);
  append_le<uint32_t>(out, field == 0 ? header.stored : field);
  append_le<uint32_t>(out, field == 0 ? header.size : field);
  append_le<uint16_t>(out, static_cast<uint16_t>(entry.name.size()));
  append_le<uint16_t>(out, static_cast<uint16_t>(entry.extra.size()));
  append_le<uint16_t>(out, 0);
  append_le<uint16_t>(out, 0);
  append_le<uint16_t>(out, 0);
  append_le<uint32_t>(out, 0);
  append_le<uint32_t>(
      out, entry.offset_field == 0 ? offset : entry.offset_field);
  out += entry.name + entry.extra;
}

/// A zip without zip64 end records, like those that other tools write.
inline std::string raw_zip(const std::vector<RawEntry>& entries) {
  std::string out;
  std::string directory;
  for (const RawEntry& entry : entries) {
    const auto offset = static_cast<uint32_t>(out.size());
    append_local(out, entry);
    append_directory_entry(directory, entry, offset);
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
