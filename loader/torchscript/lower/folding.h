#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Runs an operator whose inputs are all known and whose result is not a
/// tensor, as on constant numbers, strings and lists. It gets copies of lists,
/// so an operator that changes one is never folded.
/// returns  its results as constants; nothing if it can't be folded
/// throws   Error(Input): the operator fails, or makes too long a list
std::optional<Items> try_fold(const NodeCall& call);

}  // namespace pp::ts
