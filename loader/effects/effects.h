#pragma once

#include <string_view>

#include "loader/effects/operator_schemas.h"
#include "loader/ir/graph.h"

namespace pp {

/// Fills in Node::effects for every node, sub-graphs included: which inputs the
/// node writes, which outputs alias which inputs, and whether it draws random
/// numbers.
///
/// where   names the graph in messages: "model.pt2: models/model.json"
/// throws  Error(Input) "<where>: node 'x' calls 'my::op', which is not
///         registered in this LibTorch"
void annotate_effects(
    ir::Graph& graph, const OperatorSchemas& schemas, std::string_view where);

}  // namespace pp
