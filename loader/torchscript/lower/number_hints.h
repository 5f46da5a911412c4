#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

namespace pp::ts {

/// Computes a function on numbers as Python does.
/// target     the graph's name of the function: "_operator.add", "math.ceil"
/// arguments  integers, floats or bools
/// returns    the number; nullopt for functions that aren't known, and where
///            Python would raise an error or the result isn't a 64-bit integer
std::optional<c10::IValue> try_number_hint(
    std::string_view target, const std::vector<c10::IValue>& arguments);

}  // namespace pp::ts
