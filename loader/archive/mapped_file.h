#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <sys/types.h>

#include "loader/archive/descriptor.h"

namespace pp {

/// A file that is mapped into memory as a whole.
///
/// ReadOnly pages are shared with every reader. Private pages are
/// copy-on-write: writes never reach the file, and only written pages cost
/// memory. The file descriptor is closed after mapping, so a job may map more
/// files than it may have open.
///
/// If the file is truncated while it is mapped, an access beyond its new end
/// ends the process; see mapping_table.h.
class MappedFile {
 public:
  enum class Mode { ReadOnly, Private };

  /// Maps the file.
  /// throws  Error(Input) naming the path: it is missing, a folder, or
  ///         unreadable
  MappedFile(const std::filesystem::path& path, Mode mode);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  size_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// The mapped bytes, for writing. The file must be mapped with Mode::Private.
  std::byte* writable_data() const;
  /// Opens the file again for reading. The result is empty if that fails, or if
  /// another file is now at the path.
  Descriptor open_again() const;

 private:
  std::filesystem::path path_;
  Mode mode_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace pp
