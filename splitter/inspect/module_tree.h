#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// A module and the modules below it.
struct ModuleNode {
  std::string fqn;   ///< empty for the whole model
  std::string name;  ///< the last part of the FQN
  std::string type;  ///< the class without its package; empty for a container
  uint64_t num_parameters = 0;
  uint64_t parameter_bytes = 0;
  uint64_t flops = 0;
  int num_nodes = 0;
  std::vector<ModuleNode> children;  ///< ordered by first use
};

/// Builds the tree of a graph's modules, including modules that only hold
/// states. A tied parameter counts once, under its first name.
ModuleNode module_tree(const ir::Graph& graph);

}  // namespace pp
