#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace pp {

/// Checks the arguments of an operator whose kernel trusts sizes, indices or
/// numbers that it doesn't check. Given bad arguments, the kernel would access
/// memory outside its tensors, or end the process.
///
/// arguments  all arguments, in the order of the schema
/// returns    what is wrong with the arguments; an empty string if the kernel
///            may be called
/// throws     c10::Error: an argument has the wrong type or too few dimensions
using Precondition = std::string (*)(
    const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments);

/// Finds the precondition of an operator ("aten::lcm") or of its in-place form
/// ("aten::lcm_"). Returns null for nearly all operators, because their kernels
/// check their own arguments.
Precondition find_precondition(std::string_view name);

/// Checks the arguments of a single call against the operator's precondition,
/// if it has one.
///
/// returns  what is wrong with the arguments; an empty string if nothing is
/// throws   c10::Error, see Precondition
std::string precondition_fault(
    const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments);

}  // namespace pp
