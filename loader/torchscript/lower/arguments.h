#pragma once

#include <ATen/core/jit_type.h>

#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// Converts an item to an argument of a node. May add states for literals, and
/// nodes that read sizes or put a number into a tensor.
/// type    the type that the operator's schema expects; null: unknown
/// throws  Error(Input): a graph can't hold the item, for example a module
ir::Arg to_arg(Lowering& lowering, const Item& item, const c10::TypePtr& type);

}  // namespace pp::ts
