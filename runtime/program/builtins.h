#pragma once

#include <string_view>

#include <ATen/core/stack.h>

namespace pp {

/// A function that pops its arguments from the stack and pushes its result.
using BuiltinFunction = void (*)(torch::jit::Stack&);

/// Returns a function of Python's arithmetic on sizes, by the name that exports
/// use: "_operator.mul", "torch.sym_max", "math.ceil". Null if there is no such
/// function.
BuiltinFunction builtin_function(std::string_view target);

}  // namespace pp
