#pragma once

#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// Parses "F=1,I=1,W=1,comm=0", the costs of every stage. Keys: F, I, W, B (I +
/// W unless given), comm (the latency of a message) and overlap (the hidden
/// share of a pair, from 0 to 1). Keys that are absent keep their default.
/// throws Error(Usage): an unknown key, a value that is not a number from 0
CostTable parse_costs(std::string_view text);

}  // namespace pp
