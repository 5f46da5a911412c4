#include "splitter/cut/definitions.h"

#include "loader/ir/walk.h"

namespace pp {

Definitions find_definitions(const ir::Graph& graph) {
  Definitions out;
  out.made_at.assign(graph.values.size(), -1);
  out.input_of.assign(graph.values.size(), -1);
  out.state_of.assign(graph.values.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ir::ValueId id : ir::defines_of(graph.nodes[i])) {
      out.made_at[id] = static_cast<int>(i);
    }
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    out.input_of[graph.inputs[i].value] = static_cast<int>(i);
  }
  for (size_t i = 0; i < graph.states.size(); ++i) {
    out.state_of[graph.states[i].value] = static_cast<int>(i);
  }
  return out;
}

}  // namespace pp
