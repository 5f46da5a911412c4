#pragma once

#include <optional>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// A `torch.no_grad()` block: CreateObject, Enter and Exit.
std::optional<Items> lower_create_object(const NodeCall& call);
std::optional<Items> lower_enter(const NodeCall& call);
std::optional<Items> lower_exit(const NodeCall& call);
/// Models are trained, so gradients are recorded outside `no_grad` blocks.
std::optional<Items> lower_is_grad_enabled(const NodeCall& call);
/// A job's autocast begins after the model's own code is lowered.
std::optional<Items> lower_is_autocast_enabled(const NodeCall& call);

/// Adds the node of an operator in a `no_grad` block. Its operands are detached
/// first; what it changes in place stays the tensor that it was.
Items add_operator_without_grad(
    const NodeCall& call, const c10::OperatorHandle& op);

}  // namespace pp::ts
