#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// The range of nodes that run under a module.
struct ModuleSpan {
  int first = 0;     ///< its first node
  int last = 0;      ///< its last node
  std::string type;  ///< empty for a container that is never called itself
};

/// The span of every module that has nodes under it, by FQN. Includes the
/// containers on the way ("h" for "h.0"), but not the root.
std::map<std::string, ModuleSpan> module_spans(const ir::Graph& graph);

/// The position of a split point: the index of the node before which it cuts.
int position_of(const ModuleSpan& span, SplitSide side);

/// The FQNs of a node's modules, outermost first, without the root.
std::vector<std::string> module_chain(const ir::Node& node);

/// Whether `matches` holds for a node in a branch or loop that `node` runs, at
/// any depth.
bool any_node_inside(
    const ir::Node& node, const std::function<bool(const ir::Node&)>& matches);

}  // namespace pp
