#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace pp {

/// Formats a count with its noun: "1 stage", "3 stages".
std::string count_text(
    std::integral auto count, std::string_view one, std::string_view several) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : several);
}

}  // namespace pp
