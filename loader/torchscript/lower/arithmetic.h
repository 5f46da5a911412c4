#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers arithmetic and comparisons of numbers, most of them sizes. The table
// of operators is in number_functions.cpp.
namespace pp::ts {

/// Lowers an operator of that table to a function on numbers. In a trace,
/// integers that are stored as tensors stay numbers.
/// returns  nothing if it is no such operator, or not on numbers
std::optional<Items> try_lower_arithmetic(const NodeCall& call);

}  // namespace pp::ts
