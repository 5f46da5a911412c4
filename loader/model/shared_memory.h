#pragma once

#include "loader/model/model.h"

namespace pp {

/// Whether two tensors of one record may have an element in common. Exact for
/// slices and permutations of one tensor; others whose spans overlap count as
/// sharing.
bool may_overlap(const ir::TensorMeta& a, const ir::TensorMeta& b);

/// Sets State::memory of the states that share elements of a record. Slices of
/// one storage that have none in common are independent.
void mark_shared_memory(Model& model);

}  // namespace pp
