#pragma once

#include <cstdint>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

namespace pp {

/// Finds the nodes that have to run, one flag per node: those that write
/// memory, those without a result, and those whose result is read by an output,
/// a mutation or another node that runs. Assertions don't run.
///
/// wanted_outputs  one flag for each output of the graph
std::vector<uint8_t> live_nodes(
    const ir::Graph& graph, const std::vector<uint8_t>& wanted_outputs);

/// Finds the values that exactly one argument of the body's instructions reads,
/// one flag per value.
std::vector<uint8_t> values_with_one_reader(
    const ir::Graph& graph, const Program::Body& body);

/// Marks in a body, whose instructions and outputs are complete, where values
/// can be freed: the last operand that reads a value moves it out of its slot,
/// and results that nobody reads are listed in Instruction::dead.
void mark_last_uses(Program::Body& body);

}  // namespace pp
