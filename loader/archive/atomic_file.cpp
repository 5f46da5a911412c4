#include "loader/archive/atomic_file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "loader/archive/bytes.h"
#include "loader/archive/mapped_file.h"
#include "loader/archive/temp_file.h"

namespace pp {

void write_file(const std::filesystem::path& path, std::string_view content) {
  TempFile file(path);
  file.write(as_bytes(content));
  file.commit();
}

bool write_new_file(
    const std::filesystem::path& path, std::string_view content) {
  const int claim =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (claim < 0 && errno == EEXIST) {
    return false;
  }
  if (claim >= 0) {
    close(claim);
  }
  try {
    write_file(path, content);
  } catch (...) {
    if (claim >= 0) {
      unlink(path.c_str());
    }
    throw;
  }
  return true;
}

std::string read_file(const std::filesystem::path& path) {
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  return std::string(as_text(file.bytes()));
}

}  // namespace pp
