#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/archive/mapped_file.h"

namespace pp {

struct ZipRecord {
  std::string name;     ///< without the archive's top folder
  uint64_t offset = 0;  ///< offset of the payload in the file
  uint64_t num_bytes = 0;
  uint32_t crc32 = 0;
  /// Whether the record is compressed, as some of TorchScript's sources
  /// (`code/...`) are. If so, `num_bytes` bytes of the file inflate to
  /// `inflated_bytes` bytes, and `crc32` is the checksum of the inflated bytes.
  bool deflated = false;
  uint64_t inflated_bytes = 0;  ///< `num_bytes` unless deflated
};

/// Converts a record's name to lower case. LibTorch ignores the case of letters
/// when it compares names.
std::string folded_name(std::string_view name);

/// A PyTorch archive: a zip or zip64 of stored records under one top folder.
/// The file is mapped read-only. Opening checks the whole directory (counts,
/// sizes, offsets, names, overlaps) and doesn't read payloads.
class ZipReader {
 public:
  /// Opens and checks the archive.
  /// throws  Error(Input): missing, not a zip, truncated, a compressed record
  ///         (other than TorchScript's sources), an entry that points outside
  ///         the file or escapes its folder, two records whose names are equal
  ///         except for the case of letters
  explicit ZipReader(const std::filesystem::path& path);

  /// Opens a stored record that is itself an archive, such as the record
  /// `data/sample_inputs/model.pt` of a `.pt2`. The nested reader shares the
  /// outer mapping, and its records' offsets are positions in the outer file.
  static ZipReader nested(const ZipReader& outer, const ZipRecord& record);

  const std::filesystem::path& path() const { return file_->path(); }
  /// Names the archive in messages: its path, and for a nested archive also its
  /// record.
  const std::string& label() const { return label_; }
  const std::string& top_folder() const { return top_folder_; }
  /// All records, in the order of the archive's directory.
  const std::vector<ZipRecord>& records() const { return records_; }
  /// Finds a record by name; null if there is none.
  const ZipRecord* try_find(std::string_view name) const;
  /// Finds a record by name.
  /// throws  Error(Input) "model.pt2: record 'x' is missing"
  const ZipRecord& find(std::string_view name) const;
  bool has(std::string_view name) const { return try_find(name) != nullptr; }

  /// The mapped payload of a record.
  /// throws  Error(Input): the record is deflated
  std::span<const std::byte> bytes(const ZipRecord& record) const;
  /// The content of a record as a string, after a check of its CRC-32.
  /// throws  Error(Input): the record is missing, damaged or deflated
  std::string_view text(std::string_view name) const;
  /// The content of a record, inflated if needed, after a check of its CRC-32.
  /// throws  Error(Input): the record is damaged
  std::string content(const ZipRecord& record) const;
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

  /// A hash of the records' names, sizes and CRC-32s, as 16 hex digits. It
  /// identifies the archive's content without reading payloads.
  std::string content_hash() const;

 private:
  ZipReader(
      std::shared_ptr<const MappedFile> file,
      uint64_t offset,
      uint64_t num_bytes,
      std::string label);

  std::shared_ptr<const MappedFile> file_;
  std::string label_;
  std::string top_folder_;
  std::vector<ZipRecord> records_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace pp
