#pragma once

#include <cstdint>

#include "loader/ir/graph.h"

namespace pp {

/// Floating point operations of one forward run of a node, by formula: matrix
/// products, convolutions and attention, where a multiply-add counts as two.
/// All other operators count as zero. Symbolic sizes have their hints.
uint64_t flops(const ir::Graph& graph, const ir::Node& node);

}  // namespace pp
