#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Returns the graph with the results of its branches and loops in the order in
/// which they are first used, and the values that their blocks read in the
/// order in which the blocks first use them. LibTorch orders them so when it
/// parses code, so two graphs of the same code are alike in this order.
ir::Graph in_order_of_use(ir::Graph graph);

}  // namespace pp::ts
