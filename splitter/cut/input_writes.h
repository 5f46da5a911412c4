#pragma once

#include "loader/ir/graph.h"

namespace pp {

/// Refuses a model that writes to its inputs, also through views. In Python it
/// would change the caller's tensors once per microbatch; here it never would.
///
/// throws Error(Input) "the model mutates its input 'x' (node 'mul_' calls
///        'aten.mul_.Tensor' in layers.0) ..."
void refuse_input_writes(const ir::Graph& graph);

}  // namespace pp
