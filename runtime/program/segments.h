#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"
#include "runtime/program/written_memory.h"

namespace pp {

/// Divides a body whose instructions are there into segments.
///
/// recompute  modules, as ProgramOptions has them
/// throws     Error(Usage): a module that can't run again
std::vector<Segment> segments_of(
    const ir::Graph& graph,
    const Program::Body& body,
    const WrittenMemory& memory,
    const std::vector<std::string>& recompute);

}  // namespace pp
