#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// Where the results stay the same, replaces in-place operators such as
/// relu_(x) by those that return a new tensor, such as relu(x). That is so if x
/// is a node's result without views, and later nodes read only the operator's
/// result. Nodes keep their positions, and values their names.
///
/// returns  the new graph; nullopt if no node can be replaced
std::optional<ir::Graph> without_writes(const ir::Graph& graph);

}  // namespace pp
