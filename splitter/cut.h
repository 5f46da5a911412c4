#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/split_spec.h"

namespace pp {

/// A legal cut: stage k ends before node `position`.
struct Cut {
  int position = 0;                   ///< in [1, number of nodes - 1]
  std::vector<std::string> names;     ///< split points that mean it, if any
  std::vector<ir::ValueId> crossing;  ///< values that would cross
  uint64_t num_bytes = 0;             ///< their size, by hint
};

/// All cuts that can be made, in order; `names` in the form `pp split --at`
/// takes them.
std::vector<Cut> legal_cuts(const ir::Graph& graph);

/// The cuts that split points name, ascending; cuts that coincide are one.
/// throws Error(Usage): unknown FQN (nearest names offered), a module that the
///        graph never calls, an empty stage (both FQNs named), a cut that
///        aliasing or two writers of one buffer forbid
std::vector<Cut> resolve(
    const ir::Graph& graph, const std::vector<SplitPoint>& points);

/// The cuts at the markers in the graph (torch's `pipe_split()`), named
/// "marker 1" and so on.
/// throws Error(Usage): none there, an empty stage, a cut that can't be made
std::vector<Cut> marked_cuts(const ir::Graph& graph);

}  // namespace pp
