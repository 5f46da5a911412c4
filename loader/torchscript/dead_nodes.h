#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Removes nodes whose results are not read and that have no other effect, and
/// the values that these nodes define. Blocks of branches and loops are visited
/// too. The graph's effects must be annotated.
void drop_dead_nodes(ir::Graph& graph);

}  // namespace pp::ts
