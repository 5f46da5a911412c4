#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::If. If its condition is known, or one side only raises, the
/// other side's nodes are added; a branch that only checks is left out; else a
/// node is added that owns both sides.
std::optional<Items> lower_branch(const NodeCall& call);

}  // namespace pp::ts
