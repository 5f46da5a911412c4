#pragma once

#include <cstdint>

#include "loader/torchscript/lower/node_call.h"

// Access to the lists that a node reads, makes or changes. `verb` begins the
// message that refuses a node: "appends to", "copies".
namespace pp::ts {

/// Returns the item's container if the item is a list, else null.
Container* try_list(const Item& item);

/// Refuses the node if it may not change the container.
/// throws Error(Input): the container is fixed, or an enclosing branch or loop
///        did not make it
void check_changeable(
    const NodeCall& call, const Container& container, const char* verb);

/// The items of a list, or all sizes of a tensor; nothing for other items.
/// throws Error(Input): the list's length is unknown
std::optional<Items> try_list_items(
    const NodeCall& call, const Item& item, const char* verb);

/// The list that is the node's first input and may be changed by it.
/// throws Error(Input): it is not a list, or its contents would be unknown
Container& changeable_list(const NodeCall& call, const char* verb);

/// The position that the node's second input names in a list of that length.
/// throws Error(Input): out of range or unknown
size_t list_index(const NodeCall& call, int64_t length);

/// A list of `items` with the type of the node's result.
Item new_list(const NodeCall& call, Items items);

}  // namespace pp::ts
