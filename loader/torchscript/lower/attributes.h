#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers constants in the code and reads of attributes.
namespace pp::ts {

/// Lowers prim::Constant to a constant, or to a function that the code calls.
std::optional<Items> lower_constant(const NodeCall& call);

/// Lowers prim::GetAttr to a submodule, a state, or the attribute's value as a
/// constant.
std::optional<Items> lower_get_attribute(const NodeCall& call);

/// Lowers prim::SetAttr of a buffer. Other attributes can't be set: the change
/// would have to last until the next call.
std::optional<Items> lower_set_attribute(const NodeCall& call);

}  // namespace pp::ts
