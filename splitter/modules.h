#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/split_spec.h"

namespace pp {

/// Where a module's nodes lie.
struct ModuleSpan {
  int first = 0;     ///< its first node
  int last = 0;      ///< its last node
  std::string type;  ///< empty for a container that is never called itself
};

/// Every module that has nodes under it, by FQN, the containers on the way
/// included ("h" for "h.0"); not the root.
std::map<std::string, ModuleSpan> module_spans(const ir::Graph& graph);

/// The node that a split point's cut lies before.
int position_of(const ModuleSpan& span, SplitSide side);

/// The FQNs of a node's modules, outermost first, without the root.
std::vector<std::string> module_chain(const ir::Node& node);

}  // namespace pp
