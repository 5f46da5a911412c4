#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp::ts {

/// Copies the new value of each mutation that may share memory with an input, a
/// state or another mutation, or that is written after it was made: other
/// stages and later calls may change that memory. The graph's effects must be
/// annotated.
/// throws  Error(Input) "<where>: ..." if the buffer would share memory with a
///         state in later calls, in which one of them changes
void part_mutations(ir::Graph& graph, std::string_view where);

/// Checks that each mutation's new value has the buffer's element type and
/// sizes.
/// throws  Error(Input) "<where>: ..."
void check_mutations(const ir::Graph& graph, std::string_view where);

}  // namespace pp::ts
