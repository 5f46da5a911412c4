#pragma once

#include "loader/ir/graph.h"

namespace pp {

/// Whether a node writes its first operand in place and returns that operand,
/// as aten::add_ does. Needs Node::effects.
bool returns_its_operand(const ir::Node& node);

/// Removes copies of a tensor to itself, which exporters add after an in-place
/// update: `self.buffer += x` is add_ and then copy_(buffer, result of add_).
/// The copy would be a second write of the buffer, perhaps in another stage.
/// Sub-graphs keep theirs. Needs Node::effects.
void drop_self_copies(ir::Graph& graph);

}  // namespace pp
