#include "splitter/balance.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/walk.h"
#include "splitter/flops.h"
#include "splitter/flow.h"
#include "splitter/operators.h"

namespace pp {

namespace {

constexpr uint64_t kImpossible = std::numeric_limits<uint64_t>::max();

/// What running a node and reading a state for the first time add to a stage.
struct Weights {
  std::vector<uint64_t> nodes;
  std::vector<uint64_t> states;
};

Weights weigh(const Flow& flow, Balance balance) {
  const ir::Graph& graph = *flow.graph;
  Weights out;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    uint64_t weight = 0;
    if (balance == Balance::Flops) {
      weight = flops(graph, graph.nodes[i]);
    } else if (balance == Balance::Memory) {
      for (const ir::ValueId id : ir::defines_of(graph.nodes[i])) {
        const bool own = flow.aliases.steps[id].node < 0;
        weight += own ? num_bytes(graph.values[id]) : 0;
      }
    }
    out.nodes.push_back(weight);
  }
  for (const ir::State& state : graph.states) {
    const ir::Value& value = graph.values[state.value];
    const bool parameter = state.kind == ir::StateKind::Parameter;
    uint64_t weight = 0;
    if (balance == Balance::Params && parameter && value.tensor) {
      weight = num_elements(*value.tensor);
    } else if (balance == Balance::Memory) {
      weight = num_bytes(value) * (parameter ? 4 : 1);
    }
    out.states.push_back(weight);
  }
  return out;
}

/// costs[i][j - i - 1]: of the stage between bounds i and j; kImpossible where
/// nothing would run in it.
using Costs = std::vector<std::vector<uint64_t>>;

Costs stage_costs(
    const Flow& flow, const Weights& weights, const std::vector<int>& bounds) {
  const ir::Graph& graph = *flow.graph;
  Costs costs(bounds.size() - 1);
  std::vector<size_t> seen(graph.states.size(), bounds.size());
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    uint64_t sum = 0;
    bool works = false;
    size_t next = i + 1;
    for (int node = bounds[i]; node < flow.end; ++node) {
      sum += weights.nodes[node];
      works =
          works || (!flow.is_free[node] && does_work(graph, graph.nodes[node]));
      for (const ir::ValueId id : ir::reads_of(graph.nodes[node])) {
        const int state = flow.state_of[id];
        if (state >= 0 && seen[state] != i) {
          seen[state] = i;
          sum += weights.states[state];
        }
      }
      if (node + 1 == bounds[next]) {
        costs[i].push_back(works ? sum : kImpossible);
        ++next;
      }
    }
  }
  return costs;
}

/// best[k][j]: over the ways to make k + 1 stages of the nodes before bound j.
template <typename Combine>
std::vector<std::vector<uint64_t>> solve(
    size_t bounds, size_t stages, const Combine& combine) {
  std::vector<std::vector<uint64_t>> best(
      stages, std::vector<uint64_t>(bounds, kImpossible));
  for (size_t j = 1; j < bounds; ++j) {
    best[0][j] = combine(uint64_t{0}, 0, j);
  }
  for (size_t k = 1; k < stages; ++k) {
    for (size_t j = k + 1; j < bounds; ++j) {
      for (size_t i = k; i < j; ++i) {
        if (best[k - 1][i] != kImpossible) {
          best[k][j] = std::min(best[k][j], combine(best[k - 1][i], i, j));
        }
      }
    }
  }
  return best;
}

void refuse_memory(uint64_t heaviest, const SplitSpec& spec) {
  if (spec.memory && heaviest > *spec.memory) {
    throw usage_error(
        "no split into " + std::to_string(spec.num_stages) +
        " stages fits: the heaviest would hold " + human_bytes(heaviest) +
        ", and memory = " + human_bytes(*spec.memory) +
        "; use more stages or allow more");
  }
}

}  // namespace

std::vector<Cut> balance_cuts(const ir::Graph& graph, const SplitSpec& spec) {
  if (spec.balance == Balance::Time) {
    throw usage_error(
        "balance = \"time\" is not yet supported here; use params, flops or "
        "memory");
  }
  if (spec.num_stages < 1) {
    throw usage_error(
        "stages = " + std::to_string(spec.num_stages) +
        "; a split has at least one stage");
  }
  std::vector<Cut> places = legal_cuts(graph);
  std::erase_if(places, [](const Cut& cut) { return cut.names.empty(); });
  const auto stages = static_cast<size_t>(spec.num_stages);
  std::vector<int> bounds{0};
  for (const Cut& place : places) {
    bounds.push_back(place.position);
  }
  bounds.push_back(static_cast<int>(graph.nodes.size()));

  const Flow flow = analyse_flow(graph, {spec.rematerialise});
  const Costs costs = stage_costs(flow, weigh(flow, spec.balance), bounds);
  const auto cost = [&](size_t i, size_t j) { return costs[i][j - i - 1]; };
  const auto heaviest =
      solve(bounds.size(), stages, [&](uint64_t before, size_t i, size_t j) {
        return std::max(before, cost(i, j));
      });
  const uint64_t limit = heaviest.back().back();
  if (limit == kImpossible) {
    throw usage_error(
        "can't make " + std::to_string(stages) + " stages: the model has " +
        std::to_string(places.size()) +
        " places between modules where it can be cut");
  }
  if (spec.balance == Balance::Memory) {
    refuse_memory(limit, spec);
  }

  // Of the splits that are no heavier, the one that sends least.
  const auto traffic = [&](uint64_t before, size_t i, size_t j) {
    const uint64_t received = i == 0 ? 0 : places[i - 1].num_bytes;
    return cost(i, j) > limit ? kImpossible : before + received;
  };
  const auto bytes = solve(bounds.size(), stages, traffic);
  std::vector<Cut> out;
  size_t j = bounds.size() - 1;
  for (size_t k = stages - 1; k > 0; --k) {
    // From behind, the last of the equals: the names that come first there
    // are those of the outermost modules.
    size_t i = j - 1;
    while (bytes[k - 1][i] == kImpossible ||
           traffic(bytes[k - 1][i], i, j) != bytes[k][j]) {
      --i;
    }
    out.push_back(places[i - 1]);
    j = i;
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace pp
