#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"

namespace pp::ts {

/// Describes the first difference between two graphs in their operators and in
/// how these are connected; nullopt if there is none. Names and sizes are
/// ignored.
std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right);

}  // namespace pp::ts
