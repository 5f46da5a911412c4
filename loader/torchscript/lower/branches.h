#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::If. If the condition is known, adds only the nodes of the
/// chosen side. If one side only raises, adds only the nodes of the other side.
/// Leaves out a branch whose sides only check something. In all other cases,
/// adds a node that owns both sides.
std::optional<Items> lower_branch(const NodeCall& call);

}  // namespace pp::ts
