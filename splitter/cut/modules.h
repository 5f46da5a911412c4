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
  int first = 0;  ///< index of the module's first node
  int last = 0;   ///< index of the module's last node
  /// The module's class; empty for a container that is never called itself.
  std::string type;
};

/// The span of every module that has nodes under it, by FQN. Includes
/// containers ("h" as well as "h.0"), but not the root.
std::map<std::string, ModuleSpan> module_spans(const ir::Graph& graph);

/// The position at which a split point cuts: the index of the node before which
/// the next stage begins.
int position_of(const ModuleSpan& span, SplitSide side);

/// The FQNs of a node's modules, outermost first, without the root.
std::vector<std::string> module_chain(const ir::Node& node);

/// Whether `matches` is true for any node inside the branches and loops that
/// `node` owns, at any depth.
bool any_node_inside(
    const ir::Node& node, const std::function<bool(const ir::Node&)>& matches);

}  // namespace pp
