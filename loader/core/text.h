#pragma once

#include <cstdint>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pp {

/// Joins strings or numbers: "a, b, c".
template <std::ranges::input_range Parts>
std::string join(const Parts& parts, std::string_view separator = ", ") {
  std::string out;
  bool first = true;
  for (const auto& part : parts) {
    if (!first) {
      out += separator;
    }
    first = false;
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(part)>>) {
      out += std::to_string(part);
    } else {
      out += part;
    }
  }
  return out;
}

/// Splits `text` at each `separator`. An empty text gives one empty piece.
std::vector<std::string> split_text(std::string_view text, char separator);

/// The candidates most similar to `name` by edit distance, best first. Those
/// that differ in more than about half their letters are left out.
std::vector<std::string> nearest_names(
    std::string_view name,
    std::span<const std::string> candidates,
    size_t max_count = 3);

/// "; did you mean 'layers.2' or 'layers.3'?", or an empty text if no candidate
/// is similar.
std::string did_you_mean(
    std::string_view name, std::span<const std::string> candidates);

/// "1.5 GiB", "312 B"
std::string human_bytes(uint64_t num_bytes);

/// "1.3M", "912": counts such as parameters
std::string human_count(uint64_t count);

/// "00ff": a number in base 16, padded to `num_digits`.
std::string hex_text(uint64_t value, int num_digits);

/// Shows control characters, which a terminal would obey, as `\x1b`. Newlines
/// and tabs stay.
std::string visible_text(std::string_view text);

/// "[2, 16, 64]"
std::string shape_text(std::span<const int64_t> sizes);

/// Whether `text` matches a shell-style pattern, in which `*` matches anything
/// (dots included) and `?` any character.
bool matches_glob(std::string_view text, std::string_view pattern);

}  // namespace pp
