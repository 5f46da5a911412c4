#pragma once

#include <optional>
#include <vector>

#include "loader/torchscript/lower/node_call.h"

// Handles items that enter or leave the block of a branch or loop. Lists,
// tuples and dicts are split into their leaves on the way, because only leaves
// are values of the graph.
namespace pp::ts {

/// Container::why_fixed of a list that may or may not be the same as another
/// list.
constexpr const char* kMayBeAnother =
    "a list or dictionary that a branch or loop may have replaced, so it is "
    "unknown which one changes; copy it first, as with list()";

/// Returns the leaves of all items, in order: the items inside containers, at
/// any depth, and the items that are no containers.
Items flatten(const Items& items);

/// Returns copies of `items` with their leaves replaced by `leaves`. The new
/// containers belong to the innermost open block.
Items rebuild(
    const Lowering& lowering, const Items& items, const Items& leaves);

/// Returns the items that a branch returns. `then` and `otherwise` are the
/// items of its two sides; both have the same structure, whose leaves are
/// replaced by `leaves`. A list that both sides return stays that list. If one
/// side returns a list made before the branch, the new list and both sides'
/// lists can't be changed any more, because the new list may or may not be the
/// old one.
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
