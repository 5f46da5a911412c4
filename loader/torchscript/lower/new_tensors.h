#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `torch.tensor(data)` and `torch.as_tensor(data)`, for a number,
/// nested lists of numbers, or a tensor. The graph makes the tensor anew in
/// each call.
std::optional<Items> lower_new_tensor(const NodeCall& call);

}  // namespace pp::ts
