#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// Adds a value to the graph, with a new name made from `stem`.
/// hint  its meta tensor, or the number that it has with the example inputs;
///       nullopt: unknown
GraphValue add_value(
    Lowering& lowering,
    std::string_view stem,
    ir::TypeKind kind,
    const std::optional<c10::IValue>& hint = std::nullopt);

/// Adds a tensor of the archive to the graph as a state. The tensor's bytes are
/// not copied.
/// stem    the start of the new name of the state's value
/// throws  Error(Input): the tensor is sparse, quantised or in no record
GraphValue add_state(
    Lowering& lowering,
    const std::string& fqn,
    ir::StateKind kind,
    const at::Tensor& tensor,
    std::string_view stem);

}  // namespace pp::ts
