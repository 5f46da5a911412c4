#pragma once

#include <string_view>

#include "loader/torchscript/lower/node_call.h"

// The table of the kinds of nodes that have a lowering of their own. To add a
// kind, write its function in the file that heads its group in the table, and
// add a row.
namespace pp::ts {

/// The handler of a kind of node ("prim::If"); null if it is lowered as an
/// operator.
NodeHandler try_find_handler(std::string_view kind);

/// Lowers a node with its handler if it has one. Otherwise the node is folded
/// if all its inputs are known, or else lowered as arithmetic on numbers, or
/// else as an operator of LibTorch.
/// throws Error(Input): none of these applies
Items lower_node(
    Lowering& lowering, const torch::jit::Node& node, CodeValues& values);

}  // namespace pp::ts
