#pragma once

#include <string_view>

#include "loader/effects/operator_schemas.h"
#include "loader/effects/operator_table.h"
#include "loader/ir/graph.h"

// Checks of the number of operands and results of a node, on which the runtime
// relies. Each function throws Error(Input) with `where` (a file), the node and
// what is wrong.
namespace pp {

/// Checks the results of an operator call. A node may have fewer results than
/// the schema, because exporters drop trailing ones. A result must be a list
/// exactly where the schema returns a list.
void check_results(
    const ir::Node& node, const OperatorSchema& schema, std::string_view where);

/// Checks that the node has as many operands as the builtin, and at most one
/// result.
void check_builtin(
    const ir::Node& node, const Builtin& builtin, std::string_view where);

/// Checks a branch or loop. Its operands, apart from the condition, must match
/// the inputs of its graphs, and the outputs of its graphs must match its
/// results. A loop's body also receives a counter and returns a condition where
/// the kind of loop has them.
void check_control_flow(const ir::Node& node, std::string_view where);

}  // namespace pp
