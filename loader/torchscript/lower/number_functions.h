#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pp::ts {

// The table that maps TorchScript's operators on numbers to the functions on
// numbers that a graph uses instead.

/// Returns the graph's function on numbers ("_operator.add") for an operator of
/// TorchScript ("aten::add"); an empty string if there is none.
std::string_view number_target(std::string_view operator_name);

/// Returns the operator of TorchScript for a function on numbers; an empty
/// string if there is none.
std::string_view number_operator(std::string_view target);

/// Computes + - * // % min() and max() of two integers as Python does. Returns
/// nullopt for all other functions, for a division by zero, and for an
/// overflow.
std::optional<int64_t> try_compute(
    std::string_view target, int64_t a, int64_t b);

}  // namespace pp::ts
