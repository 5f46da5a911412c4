#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers code that assigns a new tensor to a buffer: `self.mask = self.mask &
// x`.
namespace pp::ts {

/// Notes that code assigns `tensor` to the attribute `name` of a module, which
/// holds the state `state`. Later reads of the attribute return `tensor`. If it
/// is the state itself, earlier assignments are forgotten.
/// throws  Error(Input), see refuse(): the state is not a buffer, has further
///         names, or may differ from the tensor in element type or sizes; or
///         the assignment is in a branch or loop
void assign_buffer(
    const NodeCall& call,
    const std::string& name,
    GraphValue state,
    GraphValue tensor);

/// Says why a tensor can't take the place of a buffer: its element type or
/// sizes are unknown or differ. Returns "" if it can.
std::string why_not_assignable(
    const ir::TensorMeta& buffer, const ir::TensorMeta& tensor);

/// Makes the last tensor assigned to each buffer the buffer's new value after
/// each run (ir::Mutation).
void add_mutations(Lowering& lowering);

}  // namespace pp::ts
