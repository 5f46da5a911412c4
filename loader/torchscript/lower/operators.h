#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers a node to a call of the LibTorch operator that the node names.
/// throws  Error(Input): the node names no operator, or an operand is unknown
Items lower_operator(const NodeCall& call);

}  // namespace pp::ts
