#pragma once

#include <string>

namespace pp::ts {

/// Returns the first line of a LibTorch message that is not blank.
/// TorchScript's messages begin with blank lines and end with a listing of the
/// code.
inline std::string first_text_line(const std::string& message) {
  const size_t start = message.find_first_not_of("\n ");
  return start == std::string::npos
             ? message
             : message.substr(start, message.find('\n', start) - start);
}

}  // namespace pp::ts
