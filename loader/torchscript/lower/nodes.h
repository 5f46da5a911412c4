#pragma once

#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/lowering.h"

// Adds nodes to the innermost open block of the graph. They run under the
// modules of `lowering.modules`.
namespace pp::ts {

/// Adds a call of an operator of LibTorch.
/// arguments  one per argument of the schema, in order
/// returns    an item per result
/// throws     Error(Input): an item can't be an argument, or a result can't be
///            a value of a graph
Items add_operator(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments);
Items add_operator(
    Lowering& lowering,
    const char* name,
    const char* overload,
    const Items& arguments);

/// Adds a call of a function on numbers (number_functions.h).
GraphValue add_number_function(
    Lowering& lowering,
    std::string_view target,
    const Items& arguments,
    ir::TypeKind kind);

/// Adds a node that reads size `dim` of a tensor.
GraphValue add_size(Lowering& lowering, ir::ValueId tensor, int64_t dim);

/// Adds a marker, at which the model asks to be cut.
void add_marker(Lowering& lowering);

/// Appends a node. Its results need gradients if an operand does.
void add_node(Lowering& lowering, ir::Node node);

}  // namespace pp::ts
