#include "splitter/cut/flow.h"

#include <algorithm>
#include <utility>

#include "loader/ir/walk.h"
#include "splitter/cut/definitions.h"
#include "splitter/cut/operators.h"
#include "splitter/cut/rematerialise.h"

namespace pp {

namespace {

struct Needs {
  std::vector<int> needed_until;
  std::vector<bool> is_output;
};

// Walks backwards, so that what a free node reads is needed for as long as the
// node's results are.
Needs find_needs(const ir::Graph& graph, const std::vector<bool>& is_free) {
  Needs out;
  out.needed_until.assign(graph.values.size(), -1);
  out.is_output.assign(graph.values.size(), false);
  for (const ir::Output& output : graph.outputs) {
    ir::for_each_ref(
        output.value, [&](ir::ValueId id) { out.is_output[id] = true; });
  }
  for (int i = static_cast<int>(graph.nodes.size()) - 1; i >= 0; --i) {
    const ir::Node& node = graph.nodes[i];
    if (is_marker(node)) {
      continue;
    }
    int until = i;
    bool output = false;
    if (is_free[i]) {
      for (const ir::ValueId id : ir::defines_of(node)) {
        until = std::max(until, out.needed_until[id]);
        output = output || out.is_output[id];
      }
    }
    for (const ir::ValueId id : ir::reads_of(node)) {
      out.needed_until[id] = std::max(out.needed_until[id], until);
      out.is_output[id] = out.is_output[id] || output;
    }
  }
  return out;
}

}  // namespace

bool Flow::is_user_input_at(ir::ValueId id, int position) const {
  if (input_of[id] < 0) {
    return false;
  }
  const AliasSet& set = aliases.of(id);
  return !set.is_written() || set.writes.front() >= position;
}

bool Flow::enters_as_root(const AliasSet& set, int position) const {
  return set.is_written() && !set.has_state && set.root != ir::kNoValue &&
         made_at[set.root] < position && position <= set.writes.back();
}

void Flow::sort_by_origin(std::vector<ir::ValueId>& ids) const {
  std::ranges::sort(ids, [&](ir::ValueId a, ir::ValueId b) {
    return std::pair(made_at[a], a) < std::pair(made_at[b], b);
  });
}

Flow analyse_flow(const ir::Graph& graph, bool rematerialise) {
  Definitions definitions = find_definitions(graph);
  AliasSets aliases = find_alias_sets(graph, definitions.made_at);
  FreeNodes free = find_free_nodes(graph, definitions, aliases, rematerialise);
  Needs needs = find_needs(graph, free.is_free);
  return {
      .graph = &graph,
      .end = static_cast<int>(graph.nodes.size()),
      .made_at = std::move(definitions.made_at),
      .input_of = std::move(definitions.input_of),
      .state_of = std::move(definitions.state_of),
      .aliases = std::move(aliases),
      .is_free = std::move(free.is_free),
      .free_sources = std::move(free.sources),
      .needed_until = std::move(needs.needed_until),
      .is_output = std::move(needs.is_output)};
}

SplitFlow::SplitFlow(const ir::Graph& graph, bool rematerialise)
    : for_cuts_(analyse_flow(graph)) {
  if (!rematerialise) {
    without_remat_ = analyse_flow(graph, false);
  }
}

}  // namespace pp
