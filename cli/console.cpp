#include "cli/console.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "loader/core/error.h"

namespace pp::cli {

void print(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
      std::fflush(stdout) == 0;
  if (!written && errno != EPIPE) {
    throw runtime_error(
        std::string("standard output: cannot write: ") + std::strerror(errno));
  }
}

void print_error(const std::string& message) {
  const std::string line = "pp: error: " + message + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace pp::cli
