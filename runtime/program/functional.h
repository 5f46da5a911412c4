#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// Replaces in-place operators, such as relu_(x), by the operators that return
/// a new tensor, relu(x), where the results stay the same. That is so if x is a
/// node's result without views, and later nodes read only the operator's
/// result. Nodes keep their positions, and values their names.
///
/// returns  the new graph; nullopt if no node can be replaced
std::optional<ir::Graph> without_writes(const ir::Graph& graph);

}  // namespace pp
