#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/alias_sets.h"
#include "splitter/cut/definitions.h"

namespace pp {

/// The nodes that a stage runs again instead of receiving their results.
struct FreeNodes {
  std::vector<bool> is_free;         ///< see Flow::is_free
  std::vector<std::string> sources;  ///< see Flow::free_sources
};

/// Finds the free nodes of a graph, see Flow::is_free.
/// rematerialise  false: only nodes that build containers are free
FreeNodes find_free_nodes(
    const ir::Graph& graph,
    const Definitions& definitions,
    const AliasSets& aliases,
    bool rematerialise);

/// Largest number of nodes that a stage runs again to make one value.
constexpr int kMaxRecomputedNodes = 200;

}  // namespace pp
