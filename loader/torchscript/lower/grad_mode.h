#pragma once

#include <optional>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers prim::CreateObject for a `torch.no_grad()` block.
std::optional<Items> lower_create_object(const NodeCall& call);
/// Lowers prim::Enter, which begins a `no_grad` block.
std::optional<Items> lower_enter(const NodeCall& call);
/// Lowers prim::Exit, which ends a `no_grad` block.
std::optional<Items> lower_exit(const NodeCall& call);
/// Lowers `is_grad_enabled` to true outside `no_grad` blocks, because models
/// are loaded to be trained.
std::optional<Items> lower_is_grad_enabled(const NodeCall& call);
/// Lowers `is_autocast_enabled` to false, because a job's autocast begins only
/// after the model's code is lowered.
std::optional<Items> lower_is_autocast_enabled(const NodeCall& call);

/// Adds a call of an operator inside a `no_grad` block. The operands are
/// detached first. If the operator returns an operand that it writes in place,
/// the result is the original, undetached item.
/// arguments  one item per argument of the schema, in order
/// returns    one item per result
Items add_operator_without_grad(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments);

}  // namespace pp::ts
