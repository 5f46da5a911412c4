#include "runtime/launch/descriptors.h"

#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

#include <sys/resource.h>

#include "loader/core/error.h"

namespace pp {

void check_descriptors(int num_needed, int num_ranks) {
  rlimit limit{};
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (error || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return;
  }
  // The list itself takes one of them.
  const auto num_open =
      static_cast<uint64_t>(std::distance(begin(open), end(open))) - 1;
  const uint64_t wanted = num_open + static_cast<uint64_t>(num_needed);
  if (limit.rlim_cur < wanted) {
    throw runtime_error(
        "a job of " + std::to_string(num_ranks) + " ranks needs about " +
        std::to_string(wanted) +
        " file descriptors in this process, but this user's limit is " +
        std::to_string(limit.rlim_cur) + "; raise it with ulimit -n");
  }
}

}  // namespace pp
