// Compares the cuts that balancing by time chooses with the best of all.
#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "loader/ir/walk.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "splitter/cut/balance.h"
#include "splitter/cut/flow.h"
#include "splitter/cut/operators.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

/// Computes the cost of every possible stage in the slow and simple way.
class PlainCosts {
 public:
  PlainCosts(
      const ir::Graph& graph,
      const NodeCosts& costs,
      const std::vector<Cut>& places)
      : flow_(analyse_flow(graph)), costs_(costs) {
    bounds_.push_back({0, 0});
    for (const Cut& place : places) {
      const double ns =
          costs.ns_per_byte * static_cast<double>(place.num_bytes);
      bounds_.push_back({place.position, std::llround(ns)});
    }
    bounds_.push_back({flow_.end, 0});
    for (size_t i = 0; i < bounds_.size(); ++i) {
      table_.emplace_back();
      for (size_t j = 0; j < bounds_.size(); ++j) {
        table_.back().push_back(i < j ? stage(i, j) : 0);
      }
    }
  }

  int64_t of(size_t i, size_t j) const { return table_[i][j]; }
  size_t last() const { return bounds_.size() - 1; }

  /// Returns the cost of the slowest stage in the best split of everything
  /// after `from`.
  int64_t best(size_t from, int stages) const {
    if (stages == 1) {
      return of(from, last());
    }
    int64_t least = INT64_MAX;
    for (size_t to = from + 1; to + stages - 1 <= last(); ++to) {
      least = std::min(least, std::max(of(from, to), best(to, stages - 1)));
    }
    return least;
  }

 private:
  struct Bound {
    int position = 0;
    int64_t passing = 0;
  };

  int64_t stage(size_t i, size_t j) const {
    std::set<int> run;
    bool works = false;
    for (int n = bounds_[i].position; n < bounds_[j].position; ++n) {
      if (!flow_.is_free[n]) {
        collect(n, run);
        works = works || does_work(*flow_.graph, flow_.graph->nodes[n]);
      }
    }
    int64_t sum = bounds_[i].passing + bounds_[j].passing;
    for (const int node : run) {
      sum += static_cast<int64_t>(costs_.node_ns[node]);
    }
    return works ? sum : INT64_MAX;
  }

  void collect(int node, std::set<int>& run) const {
    if (!run.insert(node).second) {
      return;
    }
    for (const ir::ValueId id : ir::reads_of(flow_.graph->nodes[node])) {
      if (flow_.is_made_freely(id)) {
        collect(flow_.made_at[id], run);
      }
    }
  }

  Flow flow_;
  const NodeCosts& costs_;
  std::vector<Bound> bounds_;
  std::vector<std::vector<int64_t>> table_;
};

class BalanceOptimum : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    model_ = load_model(
        test::fixture_folder() / "balance" /
        (std::string(GetParam()) + ".pt2"));
    MeasureOptions options;
    options.seconds = 0.1;
    spec_.balance = Balance::Time;
    spec_.costs =
        std::make_shared<const NodeCosts>(measure_costs(model_, options));
  }

  void expect_best(const std::vector<Cut>& places, int stages) {
    SCOPED_TRACE(std::to_string(stages) + " stages");
    const PlainCosts plain(model_.graph, *spec_.costs, places);
    spec_.num_stages = stages;
    const Flow flow = analyse_flow(model_.graph);
    const auto cuts = balance_cuts(flow, spec_, places);
    const auto costs = predict_costs(flow, spec_, cuts);
    ASSERT_EQ(costs.size(), static_cast<size_t>(stages));
    EXPECT_EQ(
        static_cast<int64_t>(*std::ranges::max_element(costs)),
        plain.best(0, stages));
  }

  Model model_;
  SplitSpec spec_;
};

TEST_P(BalanceOptimum, IsFoundAmongAllLegalCutsForTwoAndThreeStages) {
  const std::vector<Cut> places = legal_cuts(analyse_flow(model_.graph));
  ASSERT_GT(places.size(), 50u);
  expect_best(places, 2);
  expect_best(places, 3);
}

TEST_P(BalanceOptimum, IsFoundAmongSixteenCutsForFourToEightStages) {
  const std::vector<Cut> all = legal_cuts(analyse_flow(model_.graph));
  constexpr size_t kPlaces = 16;
  std::vector<Cut> places;
  for (size_t i = 0; i < kPlaces; ++i) {
    places.push_back(all[(2 * i + 1) * all.size() / (2 * kPlaces)]);
  }
  for (int stages = 4; stages <= 8; ++stages) {
    expect_best(places, stages);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    BalanceOptimum,
    ::testing::Values("gpt2", "llama", "t5", "resnet50"),
    [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace pp
