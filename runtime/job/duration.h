#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace pp {

/// Parses a duration of days, hours, minutes and seconds, in that order:
/// "1d12h", "2h30m", "1.5h", "90s". Returns nullopt if the text is anything
/// else, or a duration of 0 or of more than 10,000 days.
std::optional<std::chrono::milliseconds> try_parse_duration(
    std::string_view text);

}  // namespace pp
