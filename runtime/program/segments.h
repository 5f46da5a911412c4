#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/body.h"
#include "runtime/program/written_memory.h"

namespace pp {

/// Divides the instructions of a body into segments.
///
/// recompute  patterns of modules, see ProgramOptions::recompute
/// throws     Error(Usage): a module that matches can't be recomputed
std::vector<Segment> divide_into_segments(
    const ir::Graph& graph,
    const Program::Body& body,
    const WrittenMemory& memory,
    const std::vector<std::string>& recompute);

}  // namespace pp
