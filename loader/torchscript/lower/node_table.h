#pragma once

#include <string_view>

#include "loader/torchscript/lower/node_call.h"

// The table of the kinds of nodes that have a handler of their own. To add a
// kind, write its function in the file that is named above its group in the
// table, and add a row.
namespace pp::ts {

/// Finds the handler of a kind of node ("prim::If"); null if nodes of that kind
/// are lowered as operators.
NodeHandler try_find_handler(std::string_view kind);

/// Lowers a node with its handler, if there is one. A node without a handler is
/// folded if all its inputs are known, or else lowered as arithmetic on
/// numbers, or else as an operator of LibTorch.
/// throws  Error(Input): the node can't be lowered in any of these ways
Items lower_node(
    Lowering& lowering, const torch::jit::Node& node, CodeValues& values);

}  // namespace pp::ts
