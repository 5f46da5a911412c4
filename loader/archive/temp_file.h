#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "loader/archive/mapped_file.h"
#include "loader/archive/sync.h"

namespace pp {

/// A temporary file that will replace another file, the target. It is in the
/// target's folder and is called `.NAME.tmp.PID`.
///
/// commit() syncs the file, renames it to the target and syncs the folder, so
/// that a reader sees either the old content or the new, even after a power
/// failure. Without commit(), the destructor removes the temporary file and
/// leaves the target unchanged. Every member that fails throws Error(Runtime)
/// that names the target and the system's reason.
class TempFile {
 public:
  /// Creates the temporary file, which is empty.
  explicit TempFile(const std::filesystem::path& target);
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  /// Bytes written so far.
  uint64_t size() const { return size_; }
  /// Appends `bytes`.
  void write(std::span<const std::byte> bytes);
  /// Appends `num_bytes` of another file, starting at `offset` in that file.
  /// The kernel copies the bytes if the file systems support it.
  void copy(const MappedFile& from, uint64_t offset, uint64_t num_bytes);
  /// Appends the whole content of another temporary file.
  void append(const TempFile& other);
  void commit(Sync sync = Sync::Now);

 private:
  void grow(uint64_t num_bytes);
  void copy_range(
      int from,
      const std::filesystem::path& from_path,
      uint64_t offset,
      uint64_t num_bytes);
  void copy_through_memory(
      int from,
      const std::filesystem::path& from_path,
      uint64_t offset,
      uint64_t num_bytes);

  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  uint64_t writeback_started_ = 0;
  bool committed_ = false;
};

}  // namespace pp
