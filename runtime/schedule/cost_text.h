#pragma once

#include <string_view>

#include "runtime/schedule/simulate.h"

namespace pp {

/// Reads "F=1,I=1,W=1,comm=0": the cost of every stage. Keys: F, I, W, B (I + W
/// unless given), comm (the latency of a message) and overlap (of a pair, from
/// 0 to 1); what is left out keeps its default.
/// throws Error(Usage): an unknown key, a value that is no number or negative
CostTable parse_costs(std::string_view text);

}  // namespace pp
