#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "loader/archive/sync.h"
#include "loader/archive/zip_reader.h"

namespace pp {

/// Writes an archive that PyTorch's reader opens: stored records, payloads
/// aligned to 64 bytes, zip64 where needed.
///
/// All data go to a temporary file next to `path`. finish() syncs this file and
/// renames it to `path`; without finish(), the destructor removes it. Every
/// member that fails, for example because the disk is full, throws
/// Error(Runtime).
class ZipWriter {
 public:
  /// Starts an archive.
  /// top_folder  the archive's only top folder; usually the stem of the file's
  ///             name
  ZipWriter(const std::filesystem::path& path, std::string top_folder);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// Adds a record. Each name can be added only once.
  void add(std::string_view name, std::span<const std::byte> payload);
  void add(std::string_view name, std::string_view payload);
  /// Copies a record of another archive with copy_file_range, so that the
  /// payload never passes through this process's memory. The new record has the
  /// same CRC-32.
  void copy(
      std::string_view name, const ZipReader& from, const ZipRecord& record);
  void finish(Sync sync = Sync::Now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pp
