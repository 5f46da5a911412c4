#pragma once

#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// The definition of each value of a graph; an index that doesn't apply is -1.
struct Definitions {
  std::vector<int> made_at;   ///< node of each value
  std::vector<int> input_of;  ///< model input of each value
  std::vector<int> state_of;  ///< state of each value
};

Definitions find_definitions(const ir::Graph& graph);

}  // namespace pp
