#pragma once

#include <string_view>

#include <ATen/core/stack.h>

namespace pp {

/// A function that pops its arguments from the stack and pushes its result.
using BuiltinFunction = void (*)(torch::jit::Stack&);

/// Returns the function of a Python operation on sizes, by its name in exports:
/// "_operator.mul", "torch.sym_max", "math.ceil". Null if there is no such
/// function.
BuiltinFunction builtin_function(std::string_view target);

}  // namespace pp
