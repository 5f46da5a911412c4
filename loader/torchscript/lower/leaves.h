#pragma once

#include <optional>
#include <vector>

#include "loader/torchscript/lower/node_call.h"

// Items that enter or leave the block of a branch or loop. Lists and tuples are
// taken apart on the way: only their leaves are values of the graph.
namespace pp::ts {

/// Why a list is fixed that may or may not be another list (items.h).
constexpr const char* kMayBeAnother =
    "a list or dictionary that a branch or loop may have replaced, so it is "
    "unknown which one changes; copy it first, as with list()";

/// The leaves of all items, in order.
Items flatten(const Items& items);

/// Returns `items` with their leaves replaced by `leaves`. The new lists belong
/// to the block that is open.
Items rebuild(
    const Lowering& lowering, const Items& items, const Items& leaves);

/// Returns what a branch returns: the items of either side, which have the same
/// structure, with their leaves replaced by `leaves`. A list that both sides
/// return stays that list. If one side returns a list made before the branch,
/// the new list and the old ones are fixed, because the new one may or may not
/// be the old one.
Items merge(
    const Lowering& lowering,
    const Items& then,
    const Items& otherwise,
    const Items& leaves);

/// Whether the items differ in their leaves only.
bool have_same_structure(const Items& a, const Items& b);

/// The type of a leaf in the graph; nothing if it can't cross a block's border.
std::optional<ir::TypeKind> try_leaf_kind(
    const Lowering& lowering, const Item& leaf);

/// Converts a leaf to a block's output or a node's operand. Returns None for a
/// leaf that can't be one; such a leaf is dropped later if it is the same in
/// all blocks.
/// throws Error(Input) by refuse()
ir::Arg leaf_arg(const NodeCall& call, const Item& leaf);

}  // namespace pp::ts
