#pragma once

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Runs an operator whose inputs are all known and whose result is not a
/// tensor, such as an operator on constant numbers, strings and lists. Never
/// folds an operator that changes a list, because it would change only a copy
/// of the list.
/// returns  the results as constants; nullopt if the operator can't be folded
/// throws   Error(Input): the operator fails, or returns a list that is too
///          long
std::optional<Items> try_fold(const NodeCall& call);

}  // namespace pp::ts
