#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::If. If its condition is known, only the chosen side's nodes are
/// added; if one side only raises, only the other side's. A branch that only
/// checks is left out. Otherwise a node is added that owns both sides.
std::optional<Items> lower_branch(const NodeCall& call);

}  // namespace pp::ts
