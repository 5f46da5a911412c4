#pragma once

#include <string_view>

#include "loader/effects/operator_schemas.h"
#include "loader/effects/operator_table.h"
#include "loader/ir/graph.h"

// Checks how many operands and results a node has. The runtime relies on these
// numbers. Each function throws Error(Input) with `where` (a file), the node
// and what is wrong.
namespace pp {

/// A node may have fewer results than its operator returns, as exporters drop
/// trailing ones. A result is a list where the operator returns a list.
void check_results(
    const ir::Node& node, const OperatorSchema& schema, std::string_view where);

/// A builtin pops its operands and returns one value.
void check_builtin(
    const ir::Node& node, const Builtin& builtin, std::string_view where);

/// The operands of a branch or loop are the inputs of its graphs, whose outputs
/// are its results. Loops return what they carry, and a condition.
void check_control_flow(const ir::Node& node, std::string_view where);

}  // namespace pp
