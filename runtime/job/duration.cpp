#include "runtime/job/duration.h"

#include <array>
#include <charconv>

namespace pp {
namespace {

struct DurationUnit {
  char letter;
  double seconds;
};

constexpr std::array kDurationUnits = std::to_array<DurationUnit>(
    {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}});
constexpr double kLongestSeconds = 10000.0 * 86400;

}  // namespace

std::optional<std::chrono::milliseconds> try_parse_duration(
    std::string_view text) {
  double seconds = 0;
  for (const auto& [letter, factor] : kDurationUnits) {
    double count = 0;
    const auto [rest, error] =
        std::from_chars(text.data(), text.data() + text.size(), count);
    const auto length = static_cast<size_t>(rest - text.data());
    if (error != std::errc() || length == text.size()) {
      break;  // nothing is left, or no unit follows
    }
    if (text[length] != letter) {
      continue;
    }
    if (!(count >= 0)) {
      return std::nullopt;
    }
    seconds += count * factor;
    text.remove_prefix(length + 1);
  }
  if (!text.empty() || !(seconds > 0) || seconds > kLongestSeconds) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

}  // namespace pp
