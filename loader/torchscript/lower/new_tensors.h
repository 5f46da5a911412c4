#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `torch.tensor(data)` and `torch.as_tensor(data)` for a number or
/// nested lists of numbers, and for a tensor that as_tensor() returns
/// unchanged. A tensor of numbers is created anew in each run of the graph.
std::optional<Items> lower_new_tensor(const NodeCall& call);

}  // namespace pp::ts
