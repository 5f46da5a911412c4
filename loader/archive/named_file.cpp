#include "loader/archive/named_file.h"

#include <cerrno>

#include <sys/stat.h>

namespace pp {

bool is_named(const std::filesystem::path& path, int file) {
  struct stat named {};
  struct stat open {};
  if (stat(path.c_str(), &named) != 0) {
    return errno != ENOENT && errno != ENOTDIR;
  }
  return fstat(file, &open) != 0 ||
         (open.st_dev == named.st_dev && open.st_ino == named.st_ino);
}

}  // namespace pp
