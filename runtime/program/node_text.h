#pragma once

#include <string>

#include "loader/ir/graph.h"

namespace pp {

/// Returns the name that messages and random seeds use for a node: the name of
/// its first result, or its own name if it has no result.
std::string node_name(const ir::Graph& graph, const ir::Node& node);

/// Throws the error for a node that can't be compiled.
///
/// where   the program's name, "stage 1"; may be empty
/// throws  Error(Input) with the node, its module, its operator and `why`
[[noreturn]] void refuse_node(
    const ir::Graph& graph,
    const std::string& where,
    const ir::Node& node,
    const std::string& why);

}  // namespace pp
