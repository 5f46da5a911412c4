#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/lowering.h"

// Hints are facts about values that are known before the model runs. They are
// computed by running operators on meta tensors, which have element types and
// sizes but no elements.
namespace pp::ts {

/// Returns the meta tensor that is the hint of a tensor of the graph; nullopt
/// if nothing is known about the tensor.
std::optional<at::Tensor> try_tensor_hint(
    const Lowering& lowering, ir::ValueId id);

/// The hint for an item: a meta tensor, a constant or a list of these; nullopt
/// if nothing is known about the item.
std::optional<c10::IValue> try_hint(const Lowering& lowering, const Item& item);

/// Returns the meta tensor of `a` if both items are tensors with the same
/// element type and the same number of dimensions; nullopt otherwise.
std::optional<c10::IValue> try_common_hint(
    const Lowering& lowering, const Item& a, const Item& b);

/// The number in a literal tensor without dimensions; nullopt if the tensor has
/// dimensions or its bytes weren't read.
std::optional<c10::IValue> try_literal_number(
    const Lowering& lowering, const Literal& literal);

/// Runs an operator on the hints of its arguments.
/// arguments  one item per argument of the schema, in order
/// returns    one hint per result; nullopt if an argument is unknown or the
///            operator needs the elements
std::optional<std::vector<c10::IValue>> try_run_on_meta(
    const Lowering& lowering,
    const c10::OperatorHandle& op,
    const Items& arguments);

}  // namespace pp::ts
