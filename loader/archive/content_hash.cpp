#include "loader/archive/content_hash.h"

#include <xxhash.h>

#include "loader/archive/mapped_file.h"
#include "loader/core/text.h"

namespace pp {

std::string content_hash(std::span<const std::byte> bytes) {
  constexpr XXH64_hash_t kSeed = 0;
  return hex_text(XXH64(bytes.data(), bytes.size(), kSeed), 16);
}

std::string file_hash(const std::filesystem::path& path) {
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  return content_hash(file.bytes());
}

}  // namespace pp
