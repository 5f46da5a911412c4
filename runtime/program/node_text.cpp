#include "runtime/program/node_text.h"

#include <vector>

#include "loader/core/error.h"
#include "loader/ir/walk.h"

namespace pp {

std::string node_name(const ir::Graph& graph, const ir::Node& node) {
  const std::vector<ir::ValueId> defined = ir::defines_of(node);
  return defined.empty() ? node.name : graph.values[defined.front()].name;
}

void refuse_node(
    const ir::Graph& graph,
    const std::string& where,
    const ir::Node& node,
    const std::string& why) {
  const std::string& module = ir::module_of(node);
  throw input_error(
      (where.empty() ? "" : where + ": ") + "node '" + node_name(graph, node) +
      "'" + (module.empty() ? "" : " in " + module) + " calls '" + node.target +
      "': " + why);
}

}  // namespace pp
