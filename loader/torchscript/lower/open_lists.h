#pragma once

#include "loader/torchscript/lower/lowering.h"

// Lists of tensors that a node returns and whose length is unknown at first,
// such as the result of a chunk. The length becomes known when the model's code
// unpacks the list.
namespace pp::ts {

/// Fixes the length of a list: its node gets that many results. Does nothing if
/// the length is known.
/// throws Error(Input): a node of another block made the list
void settle_length(Lowering& lowering, Container& list, size_t length);

/// Drops the nodes of the innermost block whose lists nobody has unpacked.
void drop_open_nodes(Lowering& lowering);

}  // namespace pp::ts
