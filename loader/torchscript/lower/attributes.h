#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers constants in the code and reads of attributes.
namespace pp::ts {

/// Lowers prim::Constant to a constant, or to a function that the code calls.
std::optional<Items> lower_constant(const NodeCall& call);

/// Lowers prim::GetAttr to a submodule, a state, or the attribute's value as a
/// constant.
std::optional<Items> lower_get_attribute(const NodeCall& call);

/// Refuses prim::SetAttr, except where it ends an update such as `self.x += 1`.
std::optional<Items> lower_set_attribute(const NodeCall& call);

}  // namespace pp::ts
