#pragma once

#include "loader/torchscript/lower/lowering.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Adds an output for each leaf of what forward returns.
/// returns  the structure around the leaves
/// throws   Error(Input): a list of unknown length, or a leaf that no graph can
///          hold
Returned add_outputs(Lowering& lowering, const Item& returned);

}  // namespace pp::ts
