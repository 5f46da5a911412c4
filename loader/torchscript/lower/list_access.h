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

/// Refuses the node if the code may not change the container; call it before
/// each change. In a side of a branch, remembers the contents of a container
/// that was made outside the branch.
/// throws  Error(Input): the container is fixed (Container::why_fixed), or was
///         made outside an enclosing loop
void check_changeable(
    const NodeCall& call,
    const std::shared_ptr<Container>& container,
    const char* verb);

/// Returns the items of a list, or all sizes of a tensor as items; nullopt for
/// all other items.
/// throws  Error(Input): the length of the list is unknown
std::optional<Items> try_list_items(
    const NodeCall& call, const Item& item, const char* verb);

/// Returns the list that is the node's first input, which the node may change.
/// throws  Error(Input): the input is not a list, its length is unknown, or
///         check_changeable() refuses it
Container& changeable_list(const NodeCall& call, const char* verb);

/// Returns the index, 0 or more, that the node's second input is in a list of
/// `length` items. A negative input counts from the end.
/// throws  Error(Input): the index is out of range or unknown
size_t list_index(const NodeCall& call, int64_t length);

/// Creates a list of `items` with the type of the node's result.
Item new_list(const NodeCall& call, Items items);

}  // namespace pp::ts
