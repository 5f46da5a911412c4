#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers arithmetic and comparisons of numbers, most of them sizes. The table
// of operators is in number_functions.cpp.
namespace pp::ts {

/// Lowers an operator from the table in number_functions.cpp to a function on
/// numbers. An integer that a trace stores in a tensor counts as a number.
/// returns  the result; nullopt if the table lacks the operator or an operand
///          isn't a number
std::optional<Items> try_lower_arithmetic(const NodeCall& call);

/// Lowers prim::abs, the absolute value, of a number. Returns nullopt for a
/// tensor.
std::optional<Items> lower_absolute(const NodeCall& call);

/// Lowers aten::round of a number. The result is a float.
std::optional<Items> lower_round(const NodeCall& call);

}  // namespace pp::ts
