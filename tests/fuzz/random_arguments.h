#pragma once

#include <optional>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include "tests/fuzz/harness.h"

namespace pp::fuzz {

/// Makes arguments for a call of an operator: small tensors of all element
/// types and memory layouts, indices in and out of range, extreme numbers.
/// choices  decides; an input that ends early reads as zeros
/// returns  one value per argument of the schema; nullopt if an argument has a
///          type that no saved model can give
std::optional<torch::jit::Stack> random_arguments(
    const c10::FunctionSchema& schema, Numbers& choices);

}  // namespace pp::fuzz
