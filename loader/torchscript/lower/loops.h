#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::Loop, which stands for both `for` and `while`. If the number of
/// iterations is known, the body's nodes are added once per iteration;
/// otherwise a node that owns the body is added.
std::optional<Items> lower_loop(const NodeCall& call);

}  // namespace pp::ts
