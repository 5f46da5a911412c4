#pragma once

#include <cstdint>

#include "loader/ir/graph.h"

namespace pp {

/// Floating point operations of one forward run of a node, by formula (a
/// multiply-add is two): matrix products, convolutions and attention. Other
/// operators count as none. Symbolic sizes are taken at their hints.
uint64_t flops(const ir::Graph& graph, const ir::Node& node);

}  // namespace pp
