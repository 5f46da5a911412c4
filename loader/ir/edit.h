#pragma once

#include <string>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Removes a value that nothing defines or reads any more; ids above it move
/// down by one.
void erase_value(Graph& graph, ValueId id);

/// Replaces a device type in the types of values and the arguments of nodes,
/// sub-graphs included.
void replace_device(
    Graph& graph, const std::string& from, const std::string& to);

}  // namespace pp::ir
