#pragma once

#include "loader/torchscript/lower/lowering.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Adds an output to the graph for each leaf of the value that forward returns.
/// returns  the structure around the leaves
/// throws   Error(Input): a list has unknown length, or a leaf can't be a value
///          of a graph
Returned add_outputs(Lowering& lowering, const Item& returned);

}  // namespace pp::ts
