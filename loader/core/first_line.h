#pragma once

#include <string>
#include <string_view>

namespace pp {

/// Returns the first line of a LibTorch message, without the stack trace that
/// may follow. If the line names a source file of LibTorch, the folder in which
/// LibTorch was built is removed from the file's path.
inline std::string first_line(const std::string& message) {
  std::string line = message.substr(0, message.find('\n'));
  constexpr std::string_view kMarker = "INTERNAL ASSERT FAILED at \"";
  const size_t marker = line.find(kMarker);
  if (marker == std::string::npos) {
    return line;
  }
  const size_t begin = marker + kMarker.size();
  for (const char* root : {"/aten/src/", "/torch/csrc/", "/c10/"}) {
    const size_t found = line.find(root, begin);
    if (found < line.find('"', begin)) {
      return line.erase(begin, found + 1 - begin);
    }
  }
  return line;
}

}  // namespace pp
