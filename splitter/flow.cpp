#include "splitter/flow.h"

#include <algorithm>

#include "loader/ir/walk.h"
#include "splitter/operators.h"
#include "splitter/rematerialise.h"

namespace pp {

namespace {

void find_definitions(Flow& flow) {
  const ir::Graph& graph = *flow.graph;
  flow.made_at.assign(graph.values.size(), -1);
  flow.input_of.assign(graph.values.size(), -1);
  flow.state_of.assign(graph.values.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ir::ValueId id : ir::defines_of(graph.nodes[i])) {
      flow.made_at[id] = static_cast<int>(i);
    }
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    flow.input_of[graph.inputs[i].value] = static_cast<int>(i);
  }
  for (size_t i = 0; i < graph.states.size(); ++i) {
    flow.state_of[graph.states[i].value] = static_cast<int>(i);
  }
}

// Backwards, so that what a free node needs is needed as long as its results.
void find_needs(Flow& flow) {
  const ir::Graph& graph = *flow.graph;
  flow.needed_until.assign(graph.values.size(), -1);
  flow.is_output.assign(graph.values.size(), false);
  for (const ir::Output& output : graph.outputs) {
    ir::for_each_ref(
        output.value, [&](ir::ValueId id) { flow.is_output[id] = true; });
  }
  for (int i = flow.end - 1; i >= 0; --i) {
    const ir::Node& node = graph.nodes[i];
    if (is_marker(node)) {
      continue;
    }
    int until = i;
    bool output = false;
    if (flow.is_free[i]) {
      for (const ir::ValueId id : ir::defines_of(node)) {
        until = std::max(until, flow.needed_until[id]);
        output = output || flow.is_output[id];
      }
    }
    for (const ir::ValueId id : ir::reads_of(node)) {
      flow.needed_until[id] = std::max(flow.needed_until[id], until);
      flow.is_output[id] = flow.is_output[id] || output;
    }
  }
}

}  // namespace

bool Flow::is_user_input_at(ir::ValueId id, int position) const {
  if (input_of[id] < 0) {
    return false;
  }
  const AliasSet& set = aliases.of(id);
  return !set.is_written() || set.writes.front() >= position;
}

bool Flow::is_own_state_at(ir::ValueId id, int position) const {
  if (state_of[id] < 0) {
    return false;
  }
  const AliasSet& set = aliases.of(id);
  const bool sent =
      transmit && set.first_touch < position &&
      graph->states[state_of[id]].kind == ir::StateKind::Parameter;
  return !sent && (!set.is_written() || set.writes.back() >= position);
}

bool Flow::enters_as_root(const AliasSet& set, int position) const {
  return set.is_written() && !set.has_state && set.root != ir::kNoValue &&
         made_at[set.root] < position && position <= set.writes.back();
}

Flow analyse_flow(const ir::Graph& graph, const FlowOptions& options) {
  Flow flow;
  flow.graph = &graph;
  flow.end = static_cast<int>(graph.nodes.size());
  flow.transmit = options.transmit;
  find_definitions(flow);
  flow.aliases = find_alias_sets(graph);
  find_free_nodes(flow, options);
  find_needs(flow);
  return flow;
}

}  // namespace pp
