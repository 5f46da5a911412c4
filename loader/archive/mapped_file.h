#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace pp {

/// A whole file mapped into memory.
///
/// ReadOnly pages are shared with every reader. Private pages are
/// copy-on-write: writing to them never reaches the file, and costs memory
/// only for the pages written. The file descriptor stays open while mapped.
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
  /// Mode Private only.
  std::byte* writable_data() const;
  int descriptor() const { return descriptor_; }

 private:
  std::filesystem::path path_;
  Mode mode_;
  int descriptor_ = -1;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace pp
