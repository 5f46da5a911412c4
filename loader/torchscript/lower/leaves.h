#pragma once

#include <optional>
#include <vector>

#include "loader/torchscript/lower/node_call.h"

// Handles items that enter or leave the block of a branch or loop. Lists,
// tuples and dicts are split into their leaves on the way, because only leaves
// are values of the graph.
namespace pp::ts {

/// The Container::why_fixed of a list that is possibly the same object as
/// another list.
constexpr const char* kMayBeAnother =
    "a list or dictionary that a branch or loop may have replaced, so it is "
    "unknown which one changes; copy it first, as with list()";

/// Returns the leaves of `items`, in order. A leaf is an item that isn't a
/// container. Leaves inside containers are included, at any depth.
Items flatten(const Items& items);

/// Returns copies of `items` with their leaves replaced by `leaves`. The new
/// containers belong to the innermost open block.
Items rebuild(
    const Lowering& lowering, const Items& items, const Items& leaves);

/// Returns the items that a branch returns. `then` and `otherwise` are the
/// items of its two sides and have the same structure. The result has this
/// structure, with `leaves` as its leaves. A list that both sides return stays
/// that list. If the sides return different lists and one was made before the
/// branch, neither side's list nor the new list may be changed any more,
/// because it is unknown whether the new list is the old one.
Items merge(
    const Lowering& lowering,
    const Items& then,
    const Items& otherwise,
    const Items& leaves);

/// Whether the two lists of items have the same structure and differ at most in
/// their leaves.
bool have_same_structure(const Items& a, const Items& b);

/// The type of a leaf as a value of the graph; nullopt if the leaf can't enter
/// or leave a block.
std::optional<ir::TypeKind> try_leaf_kind(
    const Lowering& lowering, const Item& leaf);

/// Converts a leaf to an argument: a block's output or a node's operand.
/// Returns None for a leaf that can't be an argument; the caller drops such a
/// leaf if it is the same in all blocks.
/// throws  Error(Input), see refuse()
ir::Arg leaf_arg(const NodeCall& call, const Item& leaf);

}  // namespace pp::ts
