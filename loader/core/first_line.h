#pragma once

#include <string>

namespace pp {

/// Of a LibTorch message, which may go on with a trace.
inline std::string first_line(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

}  // namespace pp
