#include "splitter/stage_costs.h"

#include <algorithm>
#include <cmath>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/flops.h"
#include "splitter/operators.h"

namespace pp {

namespace {

/// Bytes that a node's results take; views of others take none.
uint64_t held_by(const Flow& flow, const ir::Node& node) {
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
  const bool timed = balance == Balance::Time;
  check(
      !timed || (costs != nullptr && std::ssize(costs->node_ns) == flow.end),
      "a cost for each node");
  for (const Cut& place : places) {
    bounds_.push_back(place.position);
    const double ns =
        timed ? costs->ns_per_byte * static_cast<double>(place.num_bytes) : 0;
    passing_.push_back(static_cast<uint64_t>(std::llround(ns)));
  }
  bounds_.push_back(flow.end);
  passing_.push_back(0);
  weigh_nodes(balance, costs);
  weigh_states(balance);
  const size_t never = bounds_.size();
  node_seen_.assign(nodes_.size(), never);
  state_seen_.assign(states_.size(), never);
}

void StageCosts::weigh_nodes(Balance balance, const NodeCosts* costs) {
  const ir::Graph& graph = *flow_.graph;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const ir::Node& node = graph.nodes[i];
    Share share;
    share.memory = held_by(flow_, node);
    if (balance == Balance::Flops) {
      share.weight = flops(graph, node);
    } else if (balance == Balance::Memory) {
      share.weight = share.memory;
    } else if (balance == Balance::Time) {
      share.weight = costs->node_ns[i];
    }
    nodes_.push_back(share);
    works_.push_back(!flow_.is_free[i] && does_work(graph, node));
    reads_.push_back(ir::reads_of(node));
  }
}

void StageCosts::weigh_states(Balance balance) {
  const ir::Graph& graph = *flow_.graph;
  for (const ir::State& state : graph.states) {
    const ir::Value& value = graph.values[state.value];
    const bool parameter = state.kind == ir::StateKind::Parameter;
    // Weight, gradient, and two moments of the optimizer.
    Share share{.weight = 0, .memory = num_bytes(value) * (parameter ? 4 : 1)};
    if (balance == Balance::Params && parameter && value.tensor) {
      share.weight = num_elements(*value.tensor);
    } else if (balance == Balance::Memory) {
      share.weight = share.memory;
    }
    states_.push_back(share);
  }
}

// Free nodes count where what they make is read, once a stage.
void StageCosts::enter(int node, size_t stamp, Share& sum) {
  if (node_seen_[node] == stamp) {
    return;
  }
  node_seen_[node] = stamp;
  sum.weight += nodes_[node].weight;
  sum.memory += nodes_[node].memory;
  for (const ir::ValueId id : reads_[node]) {
    if (flow_.is_made_freely(id)) {
      enter(flow_.made_at[id], stamp, sum);
    }
    const int state = flow_.state_of[id];
    if (state >= 0 && state_seen_[state] != stamp) {
      state_seen_[state] = stamp;
      sum.weight += states_[state].weight;
      sum.memory += states_[state].memory;
    }
  }
}

const std::vector<uint64_t>& StageCosts::row(size_t i) {
  row_.clear();
  // Rows are asked for again, each time from nothing seen.
  std::ranges::fill(node_seen_, bounds_.size());
  std::ranges::fill(state_seen_, bounds_.size());
  Share sum;
  bool works = false;
  size_t next = i + 1;
  for (int node = bounds_[i]; node < flow_.end; ++node) {
    if (!flow_.is_free[node] && !is_marker(flow_.graph->nodes[node])) {
      enter(node, i, sum);
    }
    works = works || works_[node];
    if (node + 1 == bounds_[next]) {
      const bool fits = !memory_ || sum.memory <= *memory_;
      row_.push_back(
          works && fits ? sum.weight + passing_[i] + passing_[next]
                        : kImpossible);
      ++next;
    }
  }
  return row_;
}

}  // namespace pp
