#pragma once

#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// Parses "F=1,I=1,W=1,comm=0", costs that apply to every stage. Keys: F, I, W,
/// B (I + W unless given), comm (the latency of a message) and overlap (the
/// share of the shorter action of a pair that is hidden, from 0 to 1). Absent
/// keys keep their defaults.
/// throws Error(Usage): an unknown key, or a value that is not a number of at
///        least 0
CostTable parse_costs(std::string_view text);

}  // namespace pp
