#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers calls of methods and functions by inlining their code, and lowers
// statements that return nothing.
namespace pp::ts {

/// Lowers prim::CallMethod. The method's nodes run under the module on which it
/// is called.
std::optional<Items> lower_method_call(const NodeCall& call);

/// Lowers prim::CallFunction. A call of `pipe_split` becomes a marker; a call
/// of a function that only checks its arguments is left out.
std::optional<Items> lower_function_call(const NodeCall& call);

/// Refuses prim::RaiseException, which lowering reaches only if the model
/// always raises.
std::optional<Items> lower_raise(const NodeCall& call);

/// Leaves out prim::Print and aten::warn.
std::optional<Items> lower_message(const NodeCall& call);

}  // namespace pp::ts
