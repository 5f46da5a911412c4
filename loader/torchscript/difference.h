#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"

namespace pp::ts {

/// Compares the operators of two graphs and the connections between them.
/// Describes the first difference; nullopt if there is none. Names, sizes and
/// the order of a branch's or loop's results are ignored.
std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right);

}  // namespace pp::ts
