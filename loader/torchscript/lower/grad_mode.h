#pragma once

#include <optional>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// A `torch.no_grad()` block: CreateObject, Enter and Exit.
std::optional<Items> lower_create_object(const NodeCall& call);
std::optional<Items> lower_enter(const NodeCall& call);
std::optional<Items> lower_exit(const NodeCall& call);
/// Lowers `is_grad_enabled` to true outside `no_grad` blocks, because models
/// are loaded to be trained.
std::optional<Items> lower_is_grad_enabled(const NodeCall& call);
/// Lowers `is_autocast_enabled` to false, because a job's autocast begins only
/// after the model's code is lowered.
std::optional<Items> lower_is_autocast_enabled(const NodeCall& call);

/// Adds the node of an operator in a `no_grad` block. Its operands are detached
/// first; a tensor that it changes in place keeps its identity.
/// arguments  one per argument of the schema, in order
Items add_operator_without_grad(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments);

}  // namespace pp::ts
