#pragma once

#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/torchscript/lower/lowering.h"

// Adds nodes to the innermost open block of the graph. The nodes run under the
// modules in `lowering.modules`.
namespace pp::ts {

/// Adds a call of a LibTorch operator.
/// arguments  one item per argument of the schema, in order
/// returns    one item per result
/// throws     Error(Input): an item can't be an argument, or a result can't be
///            a value of a graph
Items add_operator(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments);
Items add_operator(
    Lowering& lowering,
    const char* name,
    const char* overload,
    const Items& arguments);

/// Adds a call of a function on numbers, see number_functions.h.
/// kind  the type of the result
GraphValue add_number_function(
    Lowering& lowering,
    std::string_view target,
    const Items& arguments,
    ir::TypeKind kind);

/// Adds a node that reads the size of a tensor in dimension `dim`.
GraphValue add_size(Lowering& lowering, ir::ValueId tensor, int64_t dim);

/// Adds a marker, which asks for a cut at its position.
void add_marker(Lowering& lowering);

/// Appends a node. The node's results require gradients if an operand does.
void add_node(Lowering& lowering, ir::Node node);

}  // namespace pp::ts
