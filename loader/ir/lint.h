#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Checks the invariants of the IR. Throws Error(Input) that names the first
/// node or value to break one, after `where` (a file or a pass):
///   - every value has a non-empty, unique name and exactly one definition: an
///     input, a state, or a node output, and ids are in range
///   - every value is defined before a node, output or mutation reads it
///   - names of inputs, outputs, states (aliases included) are each unique
///   - effects name values that the node reads or defines
///   - a mutation names a buffer of the graph
///   - tensor values carry a TensorMeta whose sizes and strides agree in rank
///   - sub-graphs obey the same rules for their own values
void lint(const Graph& graph, std::string_view where);

}  // namespace pp::ir
