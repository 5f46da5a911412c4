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
/// memory. No file descriptor stays open, so a job may map more files than it
/// may open.
///
/// If the file is cut short, touching a page that it lost ends the process; see
/// mapping_table.h.
class MappedFile {
 public:
  enum class Mode { ReadOnly, Private };

  /// throws Error(Input) naming the path: missing, a folder, unreadable
  MappedFile(const std::filesystem::path& path, Mode mode);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  size_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Requires Mode::Private.
  std::byte* writable_data() const;
  /// Opens the file again for reading. Returns no descriptor if that fails, or
  /// if another file now has its path.
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
