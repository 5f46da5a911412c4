#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace pp {

/// Checks the arguments of an operator whose kernel relies on sizes, indices or
/// numbers without checking them. With other arguments, the kernel would read
/// or write foreign memory or end the process.
///
/// arguments  in the order of the schema
/// returns    what is wrong with them; empty if the kernel may be called
/// throws     c10::Error: an argument has the wrong type or too few dimensions
using Precondition = std::string (*)(
    const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments);

/// Finds the precondition of an operator ("aten::lcm") or of its in-place form
/// ("aten::lcm_"). Null for nearly all operators: their kernels check what they
/// rely on.
Precondition find_precondition(std::string_view name);

/// Checks the precondition of an operator, if it has one, before a single call.
///
/// returns  what is wrong with the arguments; empty if nothing is
/// throws   c10::Error, as Precondition
std::string precondition_fault(
    const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments);

}  // namespace pp
