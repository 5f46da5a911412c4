#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers a node to a call of the operator of LibTorch that it names.
/// throws Error(Input): it names none, or an operand is unknown
Items lower_operator(const NodeCall& call);

}  // namespace pp::ts
