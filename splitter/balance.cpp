#include "splitter/balance.h"

#include <algorithm>
#include <compare>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "splitter/flow.h"
#include "splitter/stage_costs.h"

namespace pp {

namespace {

constexpr uint64_t kImpossible = StageCosts::kImpossible;

/// best[k][j]: over the ways to make k + 1 stages of what lies before bound j.
template <typename T>
using Table = std::vector<std::vector<T>>;

/// step(before, i, j, cost): `before` and one more stage from bound i to j.
template <typename T, typename Step>
Table<T> solve(
    StageCosts& costs,
    size_t stages,
    const T& none,
    const T& impossible,
    const Step& step) {
  const size_t bounds = costs.num_bounds();
  Table<T> best(stages, std::vector<T>(bounds, impossible));
  for (size_t i = 0; i + 1 < bounds; ++i) {
    const std::vector<uint64_t>& row = costs.row(i);
    for (size_t j = i + 1; j < bounds; ++j) {
      const uint64_t cost = row[j - i - 1];
      if (cost == kImpossible) {
        continue;
      }
      if (i == 0) {
        best[0][j] = step(none, i, j, cost);
        continue;
      }
      for (size_t k = 1; k < stages; ++k) {
        if (best[k - 1][i] < impossible) {
          best[k][j] = std::min(best[k][j], step(best[k - 1][i], i, j, cost));
        }
      }
    }
  }
  return best;
}

/// What decides between splits that are no heavier: least first, and the last
/// of the equals, whose names are those of the outermost modules.
struct Choice {
  uint64_t odd_cuts = 0;  ///< not at a module boundary
  uint64_t bytes = 0;
  uint64_t from_end = 0;  ///< of the last stage's first bound, for that

  auto operator<=>(const Choice&) const = default;
};

constexpr Choice kNoChoice{kImpossible, kImpossible, kImpossible};

uint64_t lightest(StageCosts& costs, size_t stages) {
  const auto heaviest = solve<uint64_t>(
      costs,
      stages,
      0,
      kImpossible,
      [](uint64_t before, size_t, size_t, uint64_t cost) {
        return std::max(before, cost);
      });
  return heaviest.back().back();
}

[[noreturn]] void refuse(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& places) {
  const auto stages = static_cast<size_t>(spec.num_stages);
  StageCosts memory(flow, places, Balance::Memory, nullptr, std::nullopt);
  const uint64_t least = lightest(memory, stages);
  if (least == kImpossible) {
    throw usage_error(
        "can't make " + std::to_string(stages) + " stages: the model has " +
        std::to_string(places.size()) + " places where it can be cut");
  }
  throw usage_error(
      "no split into " + std::to_string(stages) +
      " stages fits: the heaviest would hold " + human_bytes(least) +
      ", and memory = " + human_bytes(*spec.memory) +
      "; use more stages or allow more");
}

void check_spec(const SplitSpec& spec) {
  if (spec.num_stages < 1) {
    throw usage_error(
        "stages = " + std::to_string(spec.num_stages) +
        "; a split has at least one stage");
  }
  if (spec.balance == Balance::Time && !spec.costs) {
    throw usage_error(
        "balance = \"time\" needs measured times: cut the model with 'pp split "
        "--balance time' and name the stage directory");
  }
}

}  // namespace

std::vector<Cut> balance_cuts(
    const ir::Graph& graph,
    const SplitSpec& spec,
    const std::vector<Cut>& places) {
  check_spec(spec);
  const auto stages = static_cast<size_t>(spec.num_stages);
  const Flow flow = analyse_flow(graph, {spec.rematerialise});
  StageCosts costs(flow, places, spec.balance, spec.costs.get(), spec.memory);
  const uint64_t limit = lightest(costs, stages);
  if (limit == kImpossible) {
    refuse(flow, spec, places);
  }
  const auto step = [&](Choice before, size_t i, size_t, uint64_t cost) {
    if (cost > limit) {
      return kNoChoice;
    }
    if (i > 0) {
      const Cut& cut = places[i - 1];
      before.odd_cuts += cut.names.empty() ? 1 : 0;
      before.bytes += cut.num_bytes;
    }
    before.from_end = places.size() - i;
    return before;
  };
  const auto best = solve<Choice>(costs, stages, Choice{}, kNoChoice, step);
  std::vector<Cut> out;
  size_t bound = places.size() + 1;
  for (size_t k = stages - 1; k > 0; --k) {
    bound = places.size() - best[k][bound].from_end;
    out.push_back(places[bound - 1]);
  }
  std::ranges::reverse(out);
  return out;
}

std::vector<Cut> balance_cuts(const ir::Graph& graph, const SplitSpec& spec) {
  return balance_cuts(graph, spec, legal_cuts(graph));
}

std::vector<uint64_t> predict_costs(
    const ir::Graph& graph,
    const SplitSpec& spec,
    const std::vector<Cut>& cuts) {
  const Flow flow = analyse_flow(graph, {spec.rematerialise});
  StageCosts costs(flow, cuts, spec.balance, spec.costs.get(), std::nullopt);
  std::vector<uint64_t> out;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    out.push_back(costs.row(i).front());
  }
  return out;
}

}  // namespace pp
