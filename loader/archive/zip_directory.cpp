#include "loader/archive/zip_directory.h"

#include <algorithm>
#include <numeric>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_end.h"
#include "loader/archive/zip_format.h"
#include "loader/core/error.h"

namespace pp::zip {

namespace {

using Bytes = std::span<const std::byte>;

Error damaged(const std::string& label, const std::string& what) {
  return input_error(label + ": is damaged: " + what);
}

/// Reads the numbers that the 32-bit fields leave to the zip64 extra field, in
/// the order that the format prescribes.
void read_zip64_extra(Bytes extra, Entry& entry, const std::string& label) {
  std::vector<uint64_t*> missing;
  for (uint64_t* field :
       {&entry.inflated_bytes, &entry.stored_bytes, &entry.header_offset}) {
    if (*field == kSee64) {
      missing.push_back(field);
    }
  }
  while (!missing.empty()) {
    if (extra.size() < 4) {
      throw damaged(label, "record '" + entry.name + "' lacks its zip64 sizes");
    }
    const auto id = load_le<uint16_t>(extra, 0);
    const auto length = load_le<uint16_t>(extra, 2);
    if (!fits(4, length, extra.size())) {
      throw damaged(
          label, "record '" + entry.name + "' has a truncated extra field");
    }
    if (id != kExtraZip64) {
      extra = extra.subspan(4U + length);
      continue;
    }
    if (length < missing.size() * 8) {
      throw damaged(label, "record '" + entry.name + "' lacks its zip64 sizes");
    }
    for (size_t i = 0; i < missing.size(); ++i) {
      *missing[i] = load_le<uint64_t>(extra, 4 + 8 * i);
    }
    return;
  }
}

/// Reads the entry at `position` and advances `position` past it.
Entry read_entry(
    Bytes directory, uint64_t& position, const std::string& label) {
  if (!fits(position, kEntrySize, directory.size()) ||
      load_le<uint32_t>(directory, position) != kEntryMagic) {
    throw damaged(
        label,
        "there is no entry at byte " + std::to_string(position) +
            " of the zip directory");
  }
  const uint64_t at = position;
  const auto name_bytes = load_le<uint16_t>(directory, at + 28);
  const auto extra_bytes = load_le<uint16_t>(directory, at + 30);
  const auto comment_bytes = load_le<uint16_t>(directory, at + 32);
  const uint64_t length = kEntrySize + name_bytes + extra_bytes + comment_bytes;
  if (!fits(at, length, directory.size())) {
    throw damaged(
        label,
        "the directory entry at byte " + std::to_string(at) +
            " runs past the end of the zip directory");
  }
  Entry entry{
      .name =
          std::string(as_text(directory.subspan(at + kEntrySize, name_bytes))),
      .flags = load_le<uint16_t>(directory, at + 8),
      .method = load_le<uint16_t>(directory, at + 10),
      .crc32 = load_le<uint32_t>(directory, at + 16),
      .stored_bytes = load_le<uint32_t>(directory, at + 20),
      .inflated_bytes = load_le<uint32_t>(directory, at + 24),
      .header_offset = load_le<uint32_t>(directory, at + 42),
  };
  read_zip64_extra(
      directory.subspan(at + kEntrySize + name_bytes, extra_bytes),
      entry,
      label);
  if ((entry.flags & kFlagEncrypted) != 0) {
    throw input_error(
        label + ": record '" + entry.name +
        "' is encrypted, which is not supported");
  }
  if (load_le<uint16_t>(directory, at + 34) != 0) {
    throw input_error(
        label + ": is one part of a multi-part zip, which is not supported");
  }
  position += length;
  return entry;
}

/// Checks the local header against the entry and finds the payload.
/// end   where the directory begins, which no payload may cross
void locate_payload(
    Bytes bytes, uint64_t end, Entry& entry, const std::string& label) {
  const uint64_t at = entry.header_offset;
  const std::string record = "record '" + entry.name + "'";
  if (!fits(at, kLocalSize, end)) {
    throw damaged(
        label,
        record + " should begin at offset " + std::to_string(at) +
            ", but the records end at offset " + std::to_string(end));
  }
  if (load_le<uint32_t>(bytes, at) != kLocalMagic) {
    throw damaged(
        label, record + " has no header at offset " + std::to_string(at));
  }
  const auto name_bytes = load_le<uint16_t>(bytes, at + 26);
  const auto extra_bytes = load_le<uint16_t>(bytes, at + 28);
  entry.payload_offset = at + kLocalSize + name_bytes + extra_bytes;
  if (!fits(entry.payload_offset, entry.stored_bytes, end)) {
    throw damaged(
        label,
        record + " should have " + std::to_string(entry.stored_bytes) +
            " bytes at offset " + std::to_string(entry.payload_offset) +
            ", but the records end at offset " + std::to_string(end));
  }
  const auto flags = load_le<uint16_t>(bytes, at + 6);
  // The field is 0 if a descriptor follows, and a mark if zip64 has the value.
  const auto agrees = [&](uint64_t field, uint64_t value) {
    const auto local = load_le<uint32_t>(bytes, field);
    return local == value || local == kSee64 ||
           ((flags & kFlagDescriptor) != 0 && local == 0);
  };
  const bool same =
      as_text(bytes.subspan(at + kLocalSize, name_bytes)) == entry.name &&
      load_le<uint16_t>(bytes, at + 8) == entry.method &&
      ((flags ^ entry.flags) & (kFlagEncrypted | kFlagDescriptor)) == 0 &&
      agrees(at + 14, entry.crc32) && agrees(at + 18, entry.stored_bytes) &&
      agrees(at + 22, entry.inflated_bytes);
  if (!same) {
    throw damaged(
        label,
        "the header of " + record + " at offset " + std::to_string(at) +
            " disagrees with the zip directory");
  }
}

void check_overlaps(
    const std::vector<Entry>& entries, const std::string& label) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(
      order, {}, [&](size_t i) { return entries[i].header_offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const Entry& before = entries[order[i - 1]];
    const Entry& after = entries[order[i]];
    if (before.payload_offset + before.stored_bytes > after.header_offset) {
      throw damaged(
          label,
          "records '" + before.name + "' and '" + after.name + "' overlap");
    }
  }
}

}  // namespace

std::vector<Entry> read_directory(Bytes bytes, const std::string& label) {
  const DirectoryPlace place = find_directory(bytes, label);
  const Bytes directory = bytes.subspan(place.offset, place.num_bytes);
  std::vector<Entry> entries;
  entries.reserve(place.num_entries);
  uint64_t position = 0;
  for (uint64_t i = 0; i < place.num_entries; ++i) {
    Entry entry = read_entry(directory, position, label);
    locate_payload(bytes, place.offset, entry, label);
    entries.push_back(std::move(entry));
  }
  if (position != place.num_bytes) {
    throw damaged(
        label,
        "its zip directory holds more records than the " +
            std::to_string(place.num_entries) + " that it declares");
  }
  check_overlaps(entries, label);
  return entries;
}

}  // namespace pp::zip
