#include "loader/core/error.h"

namespace pp {

void check_failed(std::string_view what, const char* file, int line) {
  throw std::logic_error(
      "bug in pp: " + std::string(what) + " (" + file + ":" +
      std::to_string(line) + ")");
}

}  // namespace pp
