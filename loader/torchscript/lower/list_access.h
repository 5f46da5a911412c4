#pragma once

#include <cstdint>
#include <memory>

#include "loader/torchscript/lower/node_call.h"

// Access to the lists that a node reads, makes or changes. `verb` is the verb
// of the message that refuses a node: "appends to", "copies". Errors are thrown
// by refuse().
namespace pp::ts {

/// Returns the item's container if the item is a list, else null.
Container* try_list(const Item& item);

/// Refuses the node if the code may not change the container. Call this before
/// each change. Inside a branch, also saves the contents of a container that
/// was made outside the branch.
/// throws  Error(Input): the container is fixed (Container::why_fixed), or was
///         made outside an enclosing loop
void check_changeable(
    const NodeCall& call,
    const std::shared_ptr<Container>& container,
    const char* verb);

/// Returns the items of a list, or all sizes of a tensor as items; nullopt if
/// `item` is neither a list nor TensorSizes.
/// throws  Error(Input): the length of the list is unknown
std::optional<Items> try_list_items(
    const NodeCall& call, const Item& item, const char* verb);

/// Returns the list that is the node's first input, which the node may change.
/// throws  Error(Input): the input is not a list, its length is unknown, or
///         check_changeable() refuses it
Container& changeable_list(const NodeCall& call, const char* verb);

/// Returns the node's second input as an index into a list of `length` items.
/// The input may be negative (counted from the end); the index never is.
/// throws  Error(Input): the index is unknown, or it is out of range
size_t list_index(const NodeCall& call, int64_t length);

/// Creates a list of `items` with the type of the node's result.
Item new_list(const NodeCall& call, Items items);

}  // namespace pp::ts
