#pragma once

#include "loader/torchscript/lower/lowering.h"

// Open lists: lists of tensors that a node returns and whose length is unknown
// at first, such as the result of chunk(). The length becomes known when the
// model's code unpacks the list.
namespace pp::ts {

/// Fixes the length of a list: its node gets `length` results. Does nothing if
/// the length is already known.
/// throws  Error(Input): the list was made in a block other than the innermost
///         open one
void settle_length(Lowering& lowering, Container& list, size_t length);

/// Removes from the innermost block the nodes whose list was never unpacked.
void drop_open_nodes(Lowering& lowering);

}  // namespace pp::ts
