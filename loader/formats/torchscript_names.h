#pragma once

#include <optional>
#include <string>

#include "loader/ir/graph.h"

namespace pp::ts {

/// Drops nodes whose results nobody reads and that do nothing else, and the
/// values that went with them. Effects must be annotated.
void drop_dead_nodes(ir::Graph& graph);

/// Whether two graphs have the same operators, wired in the same way.
/// returns what differs first, or nothing
std::optional<std::string> try_find_difference(
    const ir::Graph& left, const ir::Graph& right);

}  // namespace pp::ts
