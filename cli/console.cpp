#include "cli/console.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp::cli {

namespace {

/// Returns a text that names the limit if the message says that the process has
/// run out of file descriptors, which any library may report; otherwise "".
std::string descriptor_limit(const std::string& message) {
  rlimit limit{};
  // Some libraries write it with a capital T, others without.
  if (message.find("oo many open files") == std::string::npos ||
      getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return "";
  }
  return "; this process may open " + std::to_string(limit.rlim_cur) +
         " files; raise the limit with ulimit -n";
}

}  // namespace

void print(const std::string& text) {
  print_colored(visible_text(text));
}

void print_colored(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
      std::fflush(stdout) == 0;
  if (!written && errno != EPIPE) {
    throw runtime_error(
        std::string("standard output: cannot write: ") + std::strerror(errno));
  }
}

void finish_output() {
  const int reason = std::fflush(stdout) == 0 ? 0 : errno;
  if (std::ferror(stdout) == 0 || reason == EPIPE) {
    return;
  }
  pollfd reader{STDOUT_FILENO, 0, 0};
  const bool gone =
      ::poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0;
  if (!gone) {
    throw runtime_error(
        "standard output: cannot write all of it" +
        (reason == 0 ? "" : std::string(": ") + std::strerror(reason)));
  }
}

void print_error(const std::string& message) {
  const std::string line =
      "pp: error: " + visible_text(message) + descriptor_limit(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace pp::cli
