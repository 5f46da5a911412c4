#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Checks that a graph has the properties below. If not, throws Error(Input)
/// that names `where` (a file or a pass) and the first bad node or value.
///   - every id is in range
///   - every value has a non-empty, unique name and exactly one definition: an
///     input, a state or a node output
///   - every value is defined before a node, output or mutation reads it
///   - names are unique among inputs, outputs, and states with their aliases
///   - effects name values that the node reads or defines; a mutation names a
///     buffer of the graph; a tensor's sizes and strides agree in rank
///   - sub-graphs obey the same rules for their own values
void lint(const Graph& graph, std::string_view where);

}  // namespace pp::ir
