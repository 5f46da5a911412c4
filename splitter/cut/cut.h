#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/flow.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// A legal cut: stage k ends before node `position`.
struct Cut {
  int position = 0;                   ///< in [1, number of nodes - 1]
  std::vector<std::string> names;     ///< split points that name this cut
  std::vector<ir::ValueId> crossing;  ///< values that would cross
  uint64_t num_bytes = 0;             ///< their size, with hints for symbols
};

/// Lists all cuts that can be made, in order. Their names have the form that
/// `pp split --at` accepts.
/// flow  SplitFlow::for_cuts(), here and below
std::vector<Cut> legal_cuts(const Flow& flow);

/// Finds the cuts that split points name, ascending. Points that name the same
/// place give one cut.
/// throws Error(Usage): an unknown FQN (with the nearest names), a module that
///        the graph never calls, an empty stage (with both FQNs), a cut that
///        aliasing or two writers of one buffer forbid
std::vector<Cut> resolve(
    const Flow& flow, const std::vector<SplitPoint>& points);

/// Finds the cuts at the markers in the graph (torch's `pipe_split()`). Cuts
/// are named "marker 1" and so on.
/// throws Error(Usage): no markers, an empty stage, a cut that isn't legal
std::vector<Cut> marked_cuts(const Flow& flow);

}  // namespace pp
