#pragma once

#include "loader/ir/graph.h"

namespace pp::ts {

/// Copies the new value of each mutation that may share memory with an input, a
/// state or another mutation, because these change or are passed on after the
/// run. The graph's effects must be annotated.
void part_mutations(ir::Graph& graph);

}  // namespace pp::ts
