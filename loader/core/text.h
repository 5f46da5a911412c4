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

/// Splits `text` at each `separator`. An empty `text` gives one empty piece.
std::vector<std::string> split_text(std::string_view text, char separator);

/// Returns up to `max_count` candidates that are similar to `name`, in order of
/// edit distance. A candidate is similar if at most half of its letters differ,
/// or if it contains `name`.
std::vector<std::string> nearest_names(
    std::string_view name,
    std::span<const std::string> candidates,
    size_t max_count = 3);

/// Suggests similar names: "; did you mean 'layers.2' or 'layers.3'?". Returns
/// an empty string if no candidate is similar.
std::string did_you_mean(
    std::string_view name, std::span<const std::string> candidates);

/// Formats a number of bytes with a binary unit: "1.5 GiB", "312 B".
std::string human_bytes(uint64_t num_bytes);

/// Formats a count, such as a number of parameters, with a decimal suffix:
/// "1.3M", "912".
std::string human_count(uint64_t count);

/// Formats a number in base 16, padded with zeros to `num_digits`: "00ff".
std::string hex_text(uint64_t value, int num_digits);

/// Replaces control characters, which a terminal would obey, by escapes such as
/// `\x1b`. Newlines and tabs stay.
std::string visible_text(std::string_view text);

/// Formats the sizes of a tensor: "[2, 16, 64]".
std::string shape_text(std::span<const int64_t> sizes);

/// Whether `text` matches a shell-style pattern, in which `*` matches any
/// characters (dots included) and `?` matches any single character.
bool matches_glob(std::string_view text, std::string_view pattern);

}  // namespace pp
