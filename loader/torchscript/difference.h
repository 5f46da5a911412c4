#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"

namespace pp::ts {

/// Describes the first difference of two graphs in their operators and how
/// these are connected; nothing if they are alike. Names and sizes are ignored.
std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right);

}  // namespace pp::ts
