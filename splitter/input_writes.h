#pragma once

#include "loader/ir/graph.h"

namespace pp {

/// A model that writes into what the user feeds it would do so once a
/// microbatch in Python, and never to the caller's data here.
///
/// throws Error(Input) "the model mutates its input 'x' (node 'mul_' calls
///        'aten.mul_.Tensor' in layers.0) ...", writes through views too
void refuse_input_writes(const ir::Graph& graph);

}  // namespace pp
