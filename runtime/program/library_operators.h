#pragma once

#include <string_view>

#include "runtime/program/builtins.h"

namespace pp {

/// Operators that Python libraries register for themselves and whose exports
/// therefore hold, rebuilt from torch's own with their gradients:
///
///     transformers::grouped_mm_fallback(input [S, K], weight [G, K, N],
///         offs [G]) -> [S, N]
///         the experts of a mixture (Mixtral, Qwen-MoE): rows offs[g-1] to
///         offs[g] of `input` times weight[g]; rows behind the last are zero
///
/// Or nullptr: such an operator is refused by name.
BuiltinFunction library_function(std::string_view target);

}  // namespace pp
