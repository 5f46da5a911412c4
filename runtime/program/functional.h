#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// Replaces relu_(x) by relu(x), and so on, wherever that doesn't change the
/// results: a node computed x, x has no views, and later nodes read only the
/// result. Nodes keep their positions, and values their names.
///
/// returns  the new graph; nullopt if there is no such node
std::optional<ir::Graph> without_writes(const ir::Graph& graph);

}  // namespace pp
