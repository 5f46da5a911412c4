#pragma once

#include <span>
#include <string>
#include <string_view>

#include "loader/core/text.h"

namespace pp {

/// Suggests names to use instead of an unknown one: the text of did_you_mean(),
/// or, if no candidate is similar, a list of all candidates ("; known: a, b").
inline std::string nearest_or_all(
    std::string_view name, std::span<const std::string> candidates) {
  const std::string near = did_you_mean(name, candidates);
  return near.empty() ? "; known: " + join(candidates) : near;
}

}  // namespace pp
