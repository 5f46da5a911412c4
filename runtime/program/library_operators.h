#pragma once

#include <string_view>

#include "runtime/program/builtins.h"

namespace pp {

/// Finds an operator that a Python library registers itself. These are rebuilt
/// from torch's own operators, with their gradients:
///
///     transformers::grouped_mm_fallback(input [S, K], weight [G, K, N],
///         offs [G]) -> [S, N]
///         the experts of a mixture (Mixtral, Qwen-MoE): rows offs[g-1] to
///         offs[g] of `input` times weight[g]; rows after the last are zero
///
/// returns  null for any other operator, which is then refused by name
BuiltinFunction library_function(std::string_view target);

}  // namespace pp
