#pragma once

#include <optional>
#include <string_view>

#include "loader/core/log.h"

namespace pp {

/// Reads the log level from `spec` like parse_log_level(), but returns nullopt
/// if `spec` doesn't mention `pp`.
std::optional<LogLevel> try_parse_log_level(std::string_view spec);

}  // namespace pp
