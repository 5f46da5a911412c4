#include "loader/archive/zip_end.h"

#include <algorithm>
#include <optional>

#include "loader/archive/bare_pickle.h"
#include "loader/archive/bytes.h"
#include "loader/archive/zip_format.h"
#include "loader/core/error.h"

namespace pp::zip {

namespace {

using Bytes = std::span<const std::byte>;

bool has_magic(Bytes bytes, uint64_t offset, uint32_t magic) {
  return fits(offset, sizeof magic, bytes.size()) &&
         load_le<uint32_t>(bytes, offset) == magic;
}

/// Finds the end record. Only its own comment may follow it.
std::optional<uint64_t> find_end(Bytes bytes) {
  if (bytes.size() < kEndSize) {
    return std::nullopt;
  }
  const uint64_t longest = std::min<uint64_t>(bytes.size() - kEndSize, 0xffff);
  for (uint64_t comment = 0; comment <= longest; ++comment) {
    const uint64_t at = bytes.size() - kEndSize - comment;
    if (has_magic(bytes, at, kEndMagic) &&
        load_le<uint16_t>(bytes, at + 20) == comment) {
      return at;
    }
  }
  return std::nullopt;
}

Error no_end(Bytes bytes, const std::string& label) {
  if (bytes.empty()) {
    return input_error(label + ": is empty, not a zip archive");
  }
  if (has_magic(bytes, 0, kLocalMagic)) {
    return input_error(
        label + ": is truncated: it begins as a zip archive, but the " +
        "directory at its end is missing; copy or export it again");
  }
  if (is_bare_pickle(bytes)) {
    return input_error(
        label + ": is a bare pickle, not a zip archive; save it with " +
        "torch.export.save (or torch.save of torch 1.6 or newer)");
  }
  return input_error(
      label + ": is not a zip archive; it must be a file written by " +
      "torch.export.save, torch.jit.save or torch.save");
}

/// Checks that the 16- and 32-bit numbers of the end record equal the 64-bit
/// ones, unless they are marks that stand for the 64-bit numbers.
void check_agreement(
    Bytes bytes,
    uint64_t end,
    const DirectoryPlace& place,
    const std::string& label) {
  const auto entries = load_le<uint16_t>(bytes, end + 10);
  const auto num_bytes = load_le<uint32_t>(bytes, end + 12);
  const auto offset = load_le<uint32_t>(bytes, end + 16);
  if ((entries != kSee64Short && entries != place.num_entries) ||
      (num_bytes != kSee64 && num_bytes != place.num_bytes) ||
      (offset != kSee64 && offset != place.offset)) {
    throw input_error(
        label + ": is damaged: its zip and zip64 end records disagree");
  }
}

/// Reads the zip64 record, which ends where its locator begins.
/// record   receives where the zip64 record begins
DirectoryPlace read_end64(
    Bytes bytes,
    uint64_t locator,
    uint64_t end,
    const std::string& label,
    uint64_t& record) {
  record = load_le<uint64_t>(bytes, locator + 8);
  if (!fits(record, kEnd64Size, locator) ||
      !has_magic(bytes, record, kEnd64Magic) ||
      load_le<uint64_t>(bytes, record + 4) != locator - record - 12) {
    throw input_error(
        label + ": is damaged: the zip64 end record is not where its " +
        "locator says (offset " + std::to_string(record) + ")");
  }
  const bool one_part = load_le<uint32_t>(bytes, locator + 4) == 0 &&
                        load_le<uint32_t>(bytes, locator + 16) <= 1 &&
                        load_le<uint32_t>(bytes, record + 16) == 0 &&
                        load_le<uint32_t>(bytes, record + 20) == 0 &&
                        load_le<uint64_t>(bytes, record + 24) ==
                            load_le<uint64_t>(bytes, record + 32);
  if (!one_part) {
    throw input_error(
        label + ": is one part of a multi-part zip, which is not supported");
  }
  const DirectoryPlace place{
      .offset = load_le<uint64_t>(bytes, record + 48),
      .num_bytes = load_le<uint64_t>(bytes, record + 40),
      .num_entries = load_le<uint64_t>(bytes, record + 32),
  };
  check_agreement(bytes, end, place, label);
  return place;
}

DirectoryPlace read_end(Bytes bytes, uint64_t end, const std::string& label) {
  const bool one_part =
      load_le<uint16_t>(bytes, end + 4) == 0 &&
      load_le<uint16_t>(bytes, end + 6) == 0 &&
      load_le<uint16_t>(bytes, end + 8) == load_le<uint16_t>(bytes, end + 10);
  if (!one_part) {
    throw input_error(
        label + ": is one part of a multi-part zip, which is not supported");
  }
  return {
      .offset = load_le<uint32_t>(bytes, end + 16),
      .num_bytes = load_le<uint32_t>(bytes, end + 12),
      .num_entries = load_le<uint16_t>(bytes, end + 10),
  };
}

}  // namespace

DirectoryPlace find_directory(Bytes bytes, const std::string& label) {
  const std::optional<uint64_t> end = find_end(bytes);
  if (!end) {
    throw no_end(bytes, label);
  }
  uint64_t directory_end = *end;
  DirectoryPlace place;
  if (*end >= kLocator64Size &&
      has_magic(bytes, *end - kLocator64Size, kLocator64Magic)) {
    place =
        read_end64(bytes, *end - kLocator64Size, *end, label, directory_end);
  } else {
    place = read_end(bytes, *end, label);
  }
  if (!fits(place.offset, place.num_bytes, directory_end) ||
      place.offset + place.num_bytes != directory_end) {
    throw input_error(
        label + ": is truncated or damaged: its zip directory should be " +
        std::to_string(place.num_bytes) + " bytes at offset " +
        std::to_string(place.offset) + ", but ends at " +
        std::to_string(directory_end));
  }
  if (place.num_entries > place.num_bytes / kEntrySize) {
    throw input_error(
        label + ": is damaged: " + std::to_string(place.num_entries) +
        " records do not fit its zip directory of " +
        std::to_string(place.num_bytes) + " bytes");
  }
  return place;
}

}  // namespace pp::zip
