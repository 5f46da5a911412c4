#pragma once

#include <span>
#include <string>

#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"

namespace pp {

/// Which argument of an operator is a tensor of indices; -1: none.
int index_argument(const std::string& target);

/// What to call a value: the user's input of which it is a view, else its name.
std::string source_name(const ir::Graph& graph, ir::ValueId id);

/// After an operator failed: "'input_ids' holds 64 at [1, 5], but only 0 to 63
/// are there"; empty where its indices, if it has some, are in range.
///
/// arguments  in the order of the operator's schema
/// name       of the indices
std::string index_fault(
    const std::string& target,
    std::span<const c10::IValue> arguments,
    const std::string& name);

}  // namespace pp
