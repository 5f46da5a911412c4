#include "splitter/cut/balance.h"

#include <algorithm>
#include <compare>
#include <limits>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "splitter/cut/flow.h"
#include "splitter/cut/stage_costs.h"

namespace pp {

namespace {

constexpr uint64_t kImpossible = StageCosts::kImpossible;

/// table[k][j] is the best of all ways to make k + 1 stages of the nodes before
/// bound j.
template <typename T>
using Table = std::vector<std::vector<T>>;

/// Fills the table. step(before, i, cost) extends `before` by a stage that
/// starts at bound i and costs `cost`.
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
        best[0][j] = step(none, i, cost);
        continue;
      }
      for (size_t k = 1; k < stages; ++k) {
        if (best[k - 1][i] < impossible) {
          best[k][j] = std::min(best[k][j], step(best[k - 1][i], i, cost));
        }
      }
    }
  }
  return best;
}

/// Ranks splits that have the same heaviest stage: the smallest Choice wins. Of
/// adjacent cuts that are otherwise equal, `from_end` prefers the last one,
/// which is at the boundary of the outermost module.
struct Choice {
  uint64_t odd_cuts = 0;  ///< number of cuts inside modules
  uint64_t light = 0;     ///< stages of less than half the heaviest's weight
  uint64_t bytes = 0;     ///< bytes sent over all cuts
  double squares = 0;     ///< sum of squared weights: least if all are equal
  uint64_t from_end = 0;  ///< bounds between the last cut and the graph's end

  auto operator<=>(const Choice&) const = default;
};

constexpr Choice kNoChoice{
    kImpossible,
    kImpossible,
    kImpossible,
    std::numeric_limits<double>::infinity(),
    kImpossible};

uint64_t heaviest_stage(StageCosts& costs, size_t stages) {
  const auto table = solve<uint64_t>(
      costs,
      stages,
      0,
      kImpossible,
      [](uint64_t before, size_t, uint64_t cost) {
        return std::max(before, cost);
      });
  return table.back().back();
}

[[noreturn]] void refuse(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& places) {
  const auto stages = static_cast<size_t>(spec.num_stages);
  StageCosts memory(flow, places, Balance::Memory, nullptr, std::nullopt);
  const uint64_t least = heaviest_stage(memory, stages);
  if (least == kImpossible) {
    throw usage_error(
        "can't make " + count_text(stages, "stage", "stages") +
        ": the model has " + count_text(places.size(), "place", "places") +
        " where it can be cut");
  }
  throw usage_error(
      "no split into " + count_text(stages, "stage", "stages") +
      " fits: the largest would need at least " + human_bytes(least) +
      ", but memory = " + human_bytes(*spec.memory) +
      "; use more stages or allow more memory");
}

void check_spec(const SplitSpec& spec) {
  if (spec.num_stages < 1) {
    throw usage_error(
        "stages = " + std::to_string(spec.num_stages) +
        ", but must be at least 1");
  }
  const BalanceRow& balance = row_of(spec.balance);
  if (balance.is_measured && !spec.costs) {
    throw usage_error(
        "balance = \"" + std::string(balance.name) +
        "\" needs measured times: cut the model with 'pp split --balance " +
        std::string(balance.name) + "' and use its stage directory");
  }
}

}  // namespace

std::vector<Cut> balance_cuts(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& places) {
  check_spec(spec);
  const auto stages = static_cast<size_t>(spec.num_stages);
  StageCosts costs(flow, places, spec.balance, spec.costs.get(), spec.memory);
  const uint64_t limit = heaviest_stage(costs, stages);
  if (limit == kImpossible) {
    refuse(flow, spec, places);
  }
  const auto step = [&](Choice before, size_t i, uint64_t cost) {
    if (cost > limit) {
      return kNoChoice;
    }
    if (i > 0) {
      const Cut& cut = places[i - 1];
      before.odd_cuts += cut.names.empty() ? 1 : 0;
      before.bytes += cut.num_bytes;
    }
    const auto weight = static_cast<double>(cost);
    before.light += weight * 2 < static_cast<double>(limit) ? 1 : 0;
    before.squares += weight * weight;
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

std::vector<Cut> balance_cuts(const SplitFlow& flow, const SplitSpec& spec) {
  return balance_cuts(flow.for_stages(), spec, legal_cuts(flow.for_cuts()));
}

std::vector<uint64_t> predict_costs(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& cuts) {
  StageCosts costs(flow, cuts, spec.balance, spec.costs.get(), std::nullopt);
  std::vector<uint64_t> out;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    out.push_back(costs.row(i).front());
  }
  return out;
}

}  // namespace pp
