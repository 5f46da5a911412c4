#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// The graph with relu_(x) as relu(x) and so on, wherever nobody can tell: x
/// was made by a node, has no views, and is not read again but through the
/// result. The nodes keep their positions and the values their names.
///
/// returns  nothing, if there is no such node
std::optional<ir::Graph> without_writes(const ir::Graph& graph);

}  // namespace pp
