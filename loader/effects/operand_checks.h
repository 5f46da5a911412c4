#pragma once

#include <string_view>

#include "loader/effects/operator_schemas.h"
#include "loader/effects/operator_table.h"
#include "loader/ir/graph.h"

// Checks of a node's operands and results. The runtime relies on these checks.
// Each function throws Error(Input) that names `where` (a file) and the node
// and says what is wrong.
namespace pp {

/// Checks the results of an operator call. A node may have fewer results than
/// the schema, because exporters drop trailing ones. A result must be a list
/// exactly where the schema returns a list.
void check_results(
    const ir::Node& node, const OperatorSchema& schema, std::string_view where);

/// Checks that the node has as many operands as the builtin needs, and at most
/// one result.
void check_builtin(
    const ir::Node& node, const Builtin& builtin, std::string_view where);

/// Checks the numbers of values in a branch or loop. Its operands, except for
/// the condition, must match the inputs of its graphs, and the graphs' outputs
/// must match its results. If a loop has a counter or a condition, its body
/// also receives the counter and returns the condition.
void check_control_flow(const ir::Node& node, std::string_view where);

}  // namespace pp
