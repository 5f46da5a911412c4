#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pp {

/// "1 stage", "3 stages"
inline std::string count_text(
    int64_t count, std::string_view one, std::string_view several) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : several);
}

}  // namespace pp
