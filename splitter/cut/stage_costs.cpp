#include "splitter/cut/stage_costs.h"

#include <algorithm>
#include <cmath>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/cut/flops.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

/// Bytes that a node's results take. Views of other values take none.
uint64_t result_bytes(const Flow& flow, const ir::Node& node) {
  uint64_t bytes = 0;
  for (const ir::ValueId id : ir::defines_of(node)) {
    const bool own = flow.aliases.steps[id].node < 0;
    bytes += own ? num_bytes(flow.value(id)) : 0;
  }
  return bytes;
}

}  // namespace

StageCosts::StageCosts(
    const Flow& flow,
    const std::vector<Cut>& places,
    Balance balance,
    const NodeCosts* costs,
    std::optional<uint64_t> memory)
    : flow_(flow), memory_(memory), bounds_{0}, passing_{0} {
  const BalanceRow& row = row_of(balance);
  check(
      !row.is_measured ||
          (costs != nullptr && std::ssize(costs->node_ns) == flow.end),
      "each node has a cost");
  for (const Cut& place : places) {
    bounds_.push_back(place.position);
    const double ns = row.is_measured ? costs->ns_per_byte *
                                            static_cast<double>(place.num_bytes)
                                      : 0;
    passing_.push_back(static_cast<uint64_t>(std::llround(ns)));
  }
  bounds_.push_back(flow.end);
  passing_.push_back(0);
  weigh_nodes(row, row.is_measured ? costs : nullptr);
  weigh_states(row);
  node_stamps_.resize(nodes_.size());
  state_stamps_.resize(states_.size());
}

void StageCosts::weigh_nodes(
    const BalanceRow& balance, const NodeCosts* costs) {
  const ir::Graph& graph = *flow_.graph;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const ir::Node& node = graph.nodes[i];
    const Weights weights{
        .flops = flops(graph, node),
        .ns = costs == nullptr ? 0 : costs->node_ns[i],
        .bytes = result_bytes(flow_, node)};
    nodes_.push_back({weights.*balance.weight, weights.bytes});
    works_.push_back(!flow_.is_free[i] && does_work(graph, node));
    reads_.push_back(ir::reads_of(node));
  }
}

void StageCosts::weigh_states(const BalanceRow& balance) {
  const ir::Graph& graph = *flow_.graph;
  for (const ir::State& state : graph.states) {
    const ir::Value& value = graph.values[state.value];
    const bool parameter = state.kind == ir::StateKind::Parameter;
    Weights weights;
    if (parameter && value.tensor) {
      weights.params = num_elements(*value.tensor);
    }
    weights.bytes = num_bytes(value) * (parameter ? 4 : 1);
    states_.push_back({weights.*balance.weight, weights.bytes});
  }
}

// A free node counts where its results are read, once per stage.
void StageCosts::add_node(int node, size_t stamp, Load& sum) {
  if (node_stamps_[node] == stamp) {
    return;
  }
  node_stamps_[node] = stamp;
  sum.weight += nodes_[node].weight;
  sum.bytes += nodes_[node].bytes;
  for (const ir::ValueId id : reads_[node]) {
    if (flow_.is_made_freely(id)) {
      add_node(flow_.made_at[id], stamp, sum);
    }
    const int state = flow_.state_of[id];
    if (state >= 0 && state_stamps_[state] != stamp) {
      state_stamps_[state] = stamp;
      sum.weight += states_[state].weight;
      sum.bytes += states_[state].bytes;
    }
  }
}

const std::vector<uint64_t>& StageCosts::row(size_t i) {
  row_.clear();
  // A row may be computed more than once, so clear the stamps of earlier calls.
  const size_t no_row = bounds_.size();
  std::ranges::fill(node_stamps_, no_row);
  std::ranges::fill(state_stamps_, no_row);
  Load sum;
  bool works = false;
  size_t next = i + 1;
  for (int node = bounds_[i]; node < flow_.end; ++node) {
    if (!flow_.is_free[node] && !is_marker(flow_.graph->nodes[node])) {
      add_node(node, i, sum);
    }
    works = works || works_[node];
    if (node + 1 == bounds_[next]) {
      const bool fits = !memory_ || sum.bytes <= *memory_;
      row_.push_back(
          works && fits ? sum.weight + passing_[i] + passing_[next]
                        : kImpossible);
      ++next;
    }
  }
  return row_;
}

}  // namespace pp
