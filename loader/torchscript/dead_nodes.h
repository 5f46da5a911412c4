#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Drops nodes whose results nobody reads and that have no other effect, and
/// their values. Blocks of branches and loops are visited too. The graph's
/// effects must be annotated.
void drop_dead_nodes(ir::Graph& graph);

}  // namespace pp::ts
