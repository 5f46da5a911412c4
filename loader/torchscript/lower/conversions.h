#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers conversions between tensors and numbers.
namespace pp::ts {

/// Lowers prim::NumToTensor to a NumberTensor.
std::optional<Items> lower_number_to_tensor(const NodeCall& call);

/// Lowers aten::Int, aten::Float, aten::Bool, their implicit forms and
/// aten::item to the number in a tensor. If the number isn't known, adds a node
/// that reads it.
std::optional<Items> lower_to_number(const NodeCall& call);

}  // namespace pp::ts
