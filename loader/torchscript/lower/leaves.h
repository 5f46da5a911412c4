#pragma once

#include <optional>
#include <vector>

#include "loader/torchscript/lower/node_call.h"

// Items that enter or leave the block of a branch or loop. Lists and tuples are
// taken apart on the way: only their leaves are values of the graph.
namespace pp::ts {

/// The leaves of all items, in order.
Items flatten(const Items& items);

/// Puts `leaves` in the place of the leaves of `items`. The new lists belong to
/// the block that is open.
Items rebuild(
    const Lowering& lowering, const Items& items, const Items& leaves);

/// Whether the items differ in their leaves only.
bool have_same_structure(const Items& a, const Items& b);

/// The type of a leaf in the graph; nothing if it can't cross a block's border.
std::optional<ir::TypeKind> try_leaf_kind(
    const Lowering& lowering, const Item& leaf);

/// Converts a leaf to a block's output or a node's operand. The result is None
/// for a leaf that can't be one; such a leaf is left out later if it is the
/// same in all blocks.
/// throws Error(Input) by refuse()
ir::Arg leaf_arg(const NodeCall& call, const Item& leaf);

}  // namespace pp::ts
