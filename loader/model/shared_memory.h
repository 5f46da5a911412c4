#pragma once

#include "loader/model/model.h"

namespace pp {

/// Whether two tensors in the same record may have an element in common. The
/// result is exact for slices and permutations of one tensor. For all other
/// tensors, it is true if their address ranges overlap.
bool may_overlap(const ir::TensorMeta& a, const ir::TensorMeta& b);

/// Sets State::memory for all states that share elements of a record. Slices of
/// one storage that don't overlap count as independent.
void mark_shared_memory(Model& model);

}  // namespace pp
