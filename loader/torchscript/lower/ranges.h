#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers range(start, end, step) with operands that the model computes.
namespace pp::ts {

/// Lowers aten::__range_length, the number of integers in a range.
std::optional<Items> lower_range_length(const NodeCall& call);

/// Lowers aten::__derive_index, the integer at a position of a range.
std::optional<Items> lower_range_item(const NodeCall& call);

}  // namespace pp::ts
