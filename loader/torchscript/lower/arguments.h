#pragma once

#include <ATen/core/jit_type.h>

#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// Converts the item to an argument of a node. May add states for literals, and
/// nodes that read sizes or put a number into a tensor.
/// type   the type that the operator's schema expects, or null
/// throws Error(Input): an item that no graph can hold, such as a module
ir::Arg to_arg(Lowering& lowering, const Item& item, const c10::TypePtr& type);

}  // namespace pp::ts
