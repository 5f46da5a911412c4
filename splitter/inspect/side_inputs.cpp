#include "splitter/inspect/side_inputs.h"

#include "loader/ir/walk.h"

namespace pp {

std::vector<SideInput> side_inputs(
    const Flow& flow, const std::vector<Cut>& cuts) {
  const ir::Graph& graph = *flow.graph;
  std::vector<SideInput> out;
  for (const ir::Input& input : graph.inputs) {
    const int until = flow.needed_until[input.value];
    if (!cuts.empty() && until >= cuts.front().position) {
      out.push_back({input.name, ir::module_of(graph.nodes[until])});
    }
  }
  return out;
}

}  // namespace pp
