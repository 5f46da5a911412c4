#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers comparisons with None and type conversions that compute nothing.
namespace pp::ts {

/// Lowers aten::__is__ and aten::__isnot__ where one side is None.
std::optional<Items> lower_is_none(const NodeCall& call);

/// Lowers prim::unchecked_cast, aten::_unwrap_optional and the like to their
/// operand.
std::optional<Items> lower_unwrap(const NodeCall& call);

/// Lowers prim::Uninitialized to None, because nothing reads it.
std::optional<Items> lower_uninitialized(const NodeCall& call);

}  // namespace pp::ts
