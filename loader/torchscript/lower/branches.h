#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::If. If the condition is known, only the chosen side's nodes are
/// added. If one side only raises, only the other side's nodes are added. A
/// branch whose sides only check something is left out. In all other cases, a
/// node is added that owns both sides.
std::optional<Items> lower_branch(const NodeCall& call);

}  // namespace pp::ts
