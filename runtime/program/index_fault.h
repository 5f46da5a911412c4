#pragma once

#include <span>
#include <string>

#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"

namespace pp {

/// Returns the position of an operator's argument that is a tensor of indices;
/// -1 if it has none.
int index_argument(const std::string& target);

/// Returns the name that messages use for a value: the name of the user's input
/// if the value is a view of an input, otherwise its own name.
std::string source_name(const ir::Graph& graph, ir::ValueId id);

/// Returns a text that explains an operator's failure by the first index that
/// is out of range: "index out of range: 'input_ids' holds 64 at [1, 5], but
/// only 0 to 63 are valid". Empty if the operator has no indices, or if all are
/// in range.
///
/// arguments  the operator's arguments, in the order of its schema
/// name       the source_name() of the tensor of indices
std::string index_fault(
    const std::string& target,
    std::span<const c10::IValue> arguments,
    const std::string& name);

}  // namespace pp
