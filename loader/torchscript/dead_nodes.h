#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Removes nodes that have no effects and whose results nothing reads, together
/// with these results. Also visits the blocks of branches and loops. The
/// graph's effects must be annotated.
void drop_dead_nodes(ir::Graph& graph);

}  // namespace pp::ts
