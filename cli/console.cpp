#include "cli/console.h"

#include <cstdio>

namespace pp::cli {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(const std::string& message) {
  const std::string line = "pp: error: " + message + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace pp::cli
