#pragma once

#include <span>
#include <string>

#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"

namespace pp {

/// Returns which argument of an operator is a tensor of indices, or -1.
int index_argument(const std::string& target);

/// Returns what messages call a value: the name of the user's input if the
/// value is a view of one, otherwise its own name.
std::string source_name(const ir::Graph& graph, ir::ValueId id);

/// Explains an operator's failure by the first index that is out of range:
/// "index out of range: 'input_ids' holds 64 at [1, 5], but only 0 to 63 are
/// valid". Empty if the operator has no indices, or all are in range.
///
/// arguments  in the order of the operator's schema
/// name       source_name() of the indices
std::string index_fault(
    const std::string& target,
    std::span<const c10::IValue> arguments,
    const std::string& name);

}  // namespace pp
