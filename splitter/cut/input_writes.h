#pragma once

#include "loader/ir/graph.h"

namespace pp {

/// Refuses a model that writes to its inputs, directly or through views. In
/// Python, such a write changes the caller's tensors, once per microbatch; in
/// pp, the caller's tensors would never change.
///
/// throws  Error(Input) "the model mutates its input 'x' (node 'mul_' calls
///         'aten.mul_.Tensor' in layers.0) ..."
void refuse_input_writes(const ir::Graph& graph);

}  // namespace pp
