#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `torch.tensor(data)` and `torch.as_tensor(data)`. `data` is a number
/// or nested lists of numbers, or a tensor that as_tensor() returns unchanged.
/// Each run of the graph makes a new tensor of the numbers.
std::optional<Items> lower_new_tensor(const NodeCall& call);

}  // namespace pp::ts
