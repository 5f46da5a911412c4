#include "loader/core/error.h"

#include <algorithm>

namespace pp {

namespace {

/// Returns `file` relative to the root of the sources.
std::string_view from_root(std::string_view file) {
  size_t begin = 0;
  for (const std::string_view room :
       {"/loader/", "/splitter/", "/runtime/", "/cli/", "/tests/"}) {
    const size_t found = file.rfind(room);
    if (found != std::string_view::npos) {
      begin = std::max(begin, found + 1);
    }
  }
  return file.substr(begin);
}

}  // namespace

void check_failed(std::string_view what, const char* file, int line) {
  throw std::logic_error(
      "bug in pp: assertion failed: " + std::string(what) + " (" +
      std::string(from_root(file)) + ":" + std::to_string(line) + ")");
}

}  // namespace pp
