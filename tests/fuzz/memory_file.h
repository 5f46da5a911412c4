#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace pp::fuzz {

/// A file in memory, for readers that take a path. It lasts as long as this
/// object.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const;

 private:
  int descriptor_;
};

}  // namespace pp::fuzz
