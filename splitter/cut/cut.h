#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/flow.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// A legal cut before node `position`: one stage ends there, and the next one
/// begins.
struct Cut {
  int position = 0;                ///< from 1 to the number of nodes - 1
  std::vector<std::string> names;  ///< split points that name this cut
  /// Values that would be sent across the cut.
  std::vector<ir::ValueId> crossing;
  /// Total size of `crossing`, with hints for symbolic sizes.
  uint64_t num_bytes = 0;
};

/// Lists all legal cuts by ascending position. Their names have the form that
/// `pp split --at` accepts.
/// flow  SplitFlow::for_cuts()
std::vector<Cut> legal_cuts(const Flow& flow);

/// Finds the cuts that split points name, by ascending position. Points that
/// name the same position give one cut.
/// flow    SplitFlow::for_cuts()
/// throws  Error(Usage): an unknown FQN (with the nearest names), a module that
///         the graph never calls, an empty stage (with both FQNs), a cut that
///         is illegal because of aliasing or two writers of one buffer
std::vector<Cut> resolve(
    const Flow& flow, const std::vector<SplitPoint>& points);

/// Finds the cuts at the markers in the graph (torch's `pipe_split()`). The
/// cuts are named "marker 1", "marker 2" and so on.
/// flow    SplitFlow::for_cuts()
/// throws  Error(Usage): no markers, an empty stage, a cut that isn't legal
std::vector<Cut> marked_cuts(const Flow& flow);

}  // namespace pp
