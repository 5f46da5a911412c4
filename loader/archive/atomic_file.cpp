#include "loader/archive/atomic_file.h"

#include "loader/archive/bytes.h"
#include "loader/archive/mapped_file.h"
#include "loader/archive/temp_file.h"

namespace pp {

void write_file(const std::filesystem::path& path, std::string_view content) {
  TempFile file(path);
  file.write(as_bytes(content));
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  return std::string(as_text(file.bytes()));
}

}  // namespace pp
