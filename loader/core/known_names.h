#pragma once

#include <span>
#include <string>
#include <string_view>

#include "loader/core/text.h"

namespace pp {

/// Suggests replacements for an unknown name: did_you_mean(), or, if no
/// candidate is similar, all of them: "; known: a, b".
inline std::string nearest_or_all(
    std::string_view name, std::span<const std::string> candidates) {
  const std::string near = did_you_mean(name, candidates);
  return near.empty() ? "; known: " + join(candidates) : near;
}

}  // namespace pp
