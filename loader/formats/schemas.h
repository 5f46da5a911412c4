#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp {

/// Looks every node's operator up in the dispatcher and fills in its effects:
/// what it writes, what aliases what, whether it draws random numbers.
/// Sub-graphs are visited too.
/// throws Error(Input) "<where>: node 'x' calls 'my::op', which is not
///        registered in this LibTorch": by operator, node and record
void annotate_effects(ir::Graph& graph, std::string_view where);

}  // namespace pp
