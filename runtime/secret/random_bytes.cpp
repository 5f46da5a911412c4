#include "runtime/secret/random_bytes.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/random.h>

#include "loader/core/error.h"

namespace pp {

std::vector<uint8_t> random_bytes(size_t count) {
  std::vector<uint8_t> out(count);
  size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(out.data() + filled, count - filled, 0);
    if (got < 0 && errno != EINTR) {
      throw runtime_error(
          std::string("the system gives no random bytes: ") +
          std::strerror(errno));
    }
    filled += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return out;
}

}  // namespace pp
