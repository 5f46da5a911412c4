#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `a == b` and `a != b` for lists of numbers, such as sizes.
std::optional<Items> lower_equal_lists(const NodeCall& call);
/// Lowers `sum(list)`, `max(list)` and `min(list)` for a list of numbers.
std::optional<Items> lower_reduce_list(const NodeCall& call);

}  // namespace pp::ts
