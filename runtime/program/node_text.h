#pragma once

#include <string>

#include "loader/ir/graph.h"

namespace pp {

/// Returns the name of a node in messages and for random seeds: the name of its
/// first result, or its own name if it has no result.
std::string node_name(const ir::Graph& graph, const ir::Node& node);

/// Refuses a node that can't be compiled.
///
/// where   "stage 1"; may be empty
/// throws  Error(Input) with node, module, operator and `why`
[[noreturn]] void refuse_node(
    const ir::Graph& graph,
    const std::string& where,
    const ir::Node& node,
    const std::string& why);

}  // namespace pp
