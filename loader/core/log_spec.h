#pragma once

#include <optional>
#include <string_view>

#include "loader/core/log.h"

namespace pp {

/// parse_log_level, and nothing where `spec` says nothing of `pp`.
std::optional<LogLevel> try_parse_log_level(std::string_view spec);

}  // namespace pp
