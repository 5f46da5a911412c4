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
  uint64_t offset = 0;  ///< of the payload, from the file's start
  uint64_t num_bytes = 0;
  uint32_t crc32 = 0;
  /// Only TorchScript's sources (`code/...`) may be deflated: `num_bytes` bytes
  /// of the file inflate to `inflated_bytes`, and `crc32` is of those.
  bool deflated = false;
  uint64_t inflated_bytes = 0;  ///< `num_bytes` unless deflated
};

/// A PyTorch archive: a zip (zip64 too) of stored records under one top
/// folder. Mapped, read-only; the directory is checked in full on opening
/// (counts, sizes, offsets, names, overlaps), payloads are not touched.
class ZipReader {
 public:
  /// throws Error(Input): missing, not a zip, truncated, a compressed record,
  ///         an entry that points outside the file or escapes its folder
  explicit ZipReader(const std::filesystem::path& path);

  /// Opens a stored record that is an archive itself, such as a `.pt2`'s
  /// `data/sample_inputs/model.pt`. It shares the outer mapping: offsets of
  /// its records count from the outer file's start.
  static ZipReader nested(const ZipReader& outer, const ZipRecord& record);

  const std::filesystem::path& path() const { return file_->path(); }
  /// For messages: the path, and for a nested archive the record in it.
  const std::string& label() const { return label_; }
  const std::string& top_folder() const { return top_folder_; }
  /// In the order of the archive's directory.
  const std::vector<ZipRecord>& records() const { return records_; }
  const ZipRecord* try_find(std::string_view name) const;
  /// throws Error(Input) "model.pt2: record 'x' is missing"
  const ZipRecord& find(std::string_view name) const;
  bool has(std::string_view name) const { return try_find(name) != nullptr; }

  /// The payload as mapped; throws Error(Input) if it is deflated.
  std::span<const std::byte> bytes(const ZipRecord& record) const;
  /// The record as text, its CRC-32 checked; throws Error(Input) if it is
  /// missing, damaged or deflated.
  std::string_view text(std::string_view name) const;
  /// The content, inflated where needed, its CRC-32 checked.
  /// throws Error(Input) if it is damaged
  std::string content(const ZipRecord& record) const;
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

  /// A hash of record names, sizes and CRC-32s: identifies the content without
  /// reading it. 16 hex digits.
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
