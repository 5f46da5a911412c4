#pragma once

#include "loader/ir/graph.h"

namespace pp {

/// Whether a node writes its first operand in place and returns that operand,
/// like aten::add_. Needs Node::effects.
bool returns_its_operand(const ir::Node& node);

/// Removes nodes that copy a tensor to itself. Exporters add them after an
/// in-place update: `self.buffer += x` becomes add_, then copy_(buffer, result
/// of add_). The copy would write the buffer again, perhaps in another stage.
/// Sub-graphs keep such copies. Needs Node::effects.
void drop_self_copies(ir::Graph& graph);

}  // namespace pp
