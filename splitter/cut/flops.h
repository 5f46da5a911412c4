#pragma once

#include <cstdint>

#include "loader/ir/graph.h"

namespace pp {

/// Counts the floating-point operations of one forward run of a node, by
/// formula: matrix products, convolutions and attention, with a multiply-add
/// counted as two. All other operators count as zero. Symbolic sizes have the
/// values of their hints.
uint64_t flops(const ir::Graph& graph, const ir::Node& node);

}  // namespace pp
