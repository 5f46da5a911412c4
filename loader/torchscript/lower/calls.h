#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers calls of methods and functions, by inlining their code, and statements
// that return nothing.
namespace pp::ts {

/// Lowers prim::CallMethod. The method's nodes run under its module.
std::optional<Items> lower_method_call(const NodeCall& call);

/// Lowers prim::CallFunction. A call of `pipe_split` becomes a marker, and a
/// function that only checks its arguments is left out.
std::optional<Items> lower_function_call(const NodeCall& call);

/// Refuses a prim::RaiseException that the model can't avoid.
std::optional<Items> lower_raise(const NodeCall& call);

/// Leaves out prim::Print and aten::warn.
std::optional<Items> lower_message(const NodeCall& call);

}  // namespace pp::ts
