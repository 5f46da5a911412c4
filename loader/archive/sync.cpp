#include "loader/archive/sync.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

void sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int reason = descriptor < 0 ? errno : 0;
  if (descriptor >= 0) {
    reason = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
  }
  // EINVAL: this file system can't sync folders.
  if (reason != 0 && reason != EINVAL) {
    throw runtime_error(
        path.string() + ": cannot write it: " + std::strerror(reason));
  }
}

void sync_all(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    sync_path(entry.path());
  }
  sync_path(folder);
}

}  // namespace pp
