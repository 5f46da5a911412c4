#pragma once

#include <string_view>

#include <ATen/core/stack.h>

namespace pp {

/// Takes its arguments off the stack and pushes its result.
using BuiltinFunction = void (*)(torch::jit::Stack&);

/// Python's arithmetic on sizes, as exports write it ("_operator.mul",
/// "torch.sym_max", "math.ceil"), or nullptr.
BuiltinFunction builtin_function(std::string_view target);

}  // namespace pp
