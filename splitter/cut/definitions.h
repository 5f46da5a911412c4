#pragma once

#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// The definition of each value of a graph: a node, a model input or a state.
/// Each list is indexed by ValueId; an entry is -1 if the value has another
/// kind of definition.
struct Definitions {
  /// Index of the node that defines the value, or -1.
  std::vector<int> made_at;
  std::vector<int> input_of;  ///< index of the value's model input, or -1
  std::vector<int> state_of;  ///< index of the value's state, or -1
};

Definitions find_definitions(const ir::Graph& graph);

}  // namespace pp
