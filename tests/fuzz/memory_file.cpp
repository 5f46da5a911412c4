#include "tests/fuzz/memory_file.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

namespace pp::fuzz {

MemoryFile::MemoryFile(std::span<const std::byte> content)
    : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
  const auto length = static_cast<ssize_t>(content.size());
  if (descriptor_ < 0 ||
      write(descriptor_, content.data(), content.size()) != length) {
    throw std::system_error(errno, std::generic_category(), "memfd");
  }
}

MemoryFile::~MemoryFile() {
  close(descriptor_);
}

std::filesystem::path MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace pp::fuzz
