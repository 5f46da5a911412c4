#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"

namespace pp {

/// Marks in a body whose instructions are there which inputs and states the
/// graph writes in place, and the ranges of instructions that run again in the
/// backward.
///
/// live       nodes that the body has, by position
/// recompute  modules, as ProgramOptions has them
/// throws     Error(Usage): a module that can't run again
void mark_written(
    const ir::Graph& graph,
    const std::vector<uint8_t>& live,
    const std::vector<std::string>& recompute,
    Program::Body& body);

}  // namespace pp
