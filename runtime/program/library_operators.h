#pragma once

#include <string_view>

#include "runtime/program/builtins.h"

namespace pp {

/// Returns the function of an operator that a Python library, not torch,
/// registers. Such functions call torch's own operators, so autograd
/// differentiates them. The operators are:
///
///     transformers::grouped_mm_fallback(input [S, K], weight [G, K, N],
///         offs [G]) -> [S, N]
///         the experts of a mixture (Mixtral, Qwen-MoE): rows offs[g-1] to
///         offs[g] of `input` times weight[g]; rows after the last are zero
///
/// returns  null for any other operator, which the caller then refuses by name
BuiltinFunction library_function(std::string_view target);

}  // namespace pp
