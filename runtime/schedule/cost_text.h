#pragma once

#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// Parses costs that apply to every stage, such as "F=1,I=1,W=1,comm=0". The
/// keys are F, I, W, B (by default I + W), comm (the latency of a message) and
/// overlap (the share, from 0 to 1, of a pair's shorter action that the longer
/// one hides). Absent keys keep their defaults.
/// throws  Error(Usage): a key is unknown, or a value is not a number of at
///         least 0
CostTable parse_costs(std::string_view text);

}  // namespace pp
