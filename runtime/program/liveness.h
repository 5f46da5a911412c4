#pragma once

#include <cstdint>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

namespace pp {

/// Returns one flag per node: whether the node has to run. That is so if it
/// writes memory, has no result, or if an output, a mutation or a node that has
/// to run reads its result. Assertions don't run.
///
/// wanted_outputs  for each output of the graph, whether the caller wants it
std::vector<uint8_t> live_nodes(
    const ir::Graph& graph, const std::vector<uint8_t>& wanted_outputs);

/// Returns one flag per value: whether exactly one argument of the body's
/// instructions reads it.
std::vector<uint8_t> values_with_one_reader(
    const ir::Graph& graph, const Program::Body& body);

/// Marks where values can be freed in a body whose instructions and outputs are
/// complete. The last operand that reads a value moves it out of its slot, and
/// results that no instruction reads are added to Instruction::dead.
void mark_last_uses(Program::Body& body);

}  // namespace pp
