#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Sorts the results of branches and loops by their first use, and the values
/// that a block reads by their first use in the block. Returns the sorted
/// graph. LibTorch's parser uses the same order, so two graphs of the same code
/// are alike once both are sorted.
ir::Graph in_order_of_use(ir::Graph graph);

}  // namespace pp::ts
