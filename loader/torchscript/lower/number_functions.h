#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pp::ts {

// The table that maps TorchScript's operators on numbers to the functions on
// numbers that a graph uses instead.

/// The graph's function ("_operator.add") for an operator of TorchScript
/// ("aten::add") on numbers; empty if there is none.
std::string_view number_target(std::string_view operator_name);

/// The operator of TorchScript for a function on numbers; empty if there is
/// none.
std::string_view number_operator(std::string_view target);

/// Computes + - * // % and max() on two integers as Python does. Returns
/// nothing for other functions and for a division by zero.
std::optional<int64_t> try_compute(
    std::string_view target, int64_t a, int64_t b);

}  // namespace pp::ts
