#include "runtime/measure/measure.h"

#include <numeric>

#include <gtest/gtest.h>

#include "loader/model_loader.h"
#include "runtime/measure/measure_stages.h"
#include "splitter/cut/operators.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

Model fixture(const std::string& name) {
  return load_model(test::fixture_folder() / "balance" / name);
}

MeasureOptions quick() {
  MeasureOptions options;
  options.seconds = 0.1;
  return options;
}

TEST(Measure, TimesEveryNodeThatRuns) {
  const Model model = fixture("resnet50.pt2");
  const NodeCosts costs = measure_costs(model, quick());
  ASSERT_EQ(costs.node_ns.size(), model.graph.nodes.size());
  EXPECT_GT(costs.ns_per_byte, 0);
  for (size_t i = 0; i < costs.node_ns.size(); ++i) {
    EXPECT_GT(costs.node_ns[i], 0u) << model.graph.nodes[i].name;
  }
}

TEST(Measure, NodesSumUpToTheWholeGraph) {
  const Model model = fixture("gpt2.pt2");
  const NodeCosts costs = measure_costs(model, quick());
  ProgramRuns runs(model.graph, model.records, *model.archive, "the model");
  const auto arguments = sample_arguments(model);
  uint64_t whole = UINT64_MAX;
  run_passes(quick(), [&](bool) {
    whole = std::min(whole, time_of([&] { runs.run(arguments); }));
  });
  const auto sum =
      std::accumulate(costs.node_ns.begin(), costs.node_ns.end(), uint64_t{0});
  // The machine may be noisy in between, so the bound is a factor of 3.
  EXPECT_LT(sum, 3 * whole);
  EXPECT_LT(whole, 3 * sum);
}

TEST(Measure, UsesTheInputsOfTheExport) {
  // Random tokens would be 0 or 1.
  const auto arguments = sample_arguments(fixture("t5.pt2"));
  ASSERT_EQ(arguments.size(), 2u);
  const at::Tensor tokens = arguments[0].toTensor();
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{2, 16}));
  EXPECT_GT(tokens.max().item<int64_t>(), 1);
}

TEST(Measure, StagesRunOneAfterTheOther) {
  const Model model = fixture("t5.pt2");
  SplitSpec spec;
  spec.num_stages = 3;
  StageRuns runs(model, partition(model, spec));
  run_passes(quick(), [&](bool counts) { runs.pass(counts); });
  ASSERT_EQ(runs.best_ns().size(), 3u);
  for (const uint64_t ns : runs.best_ns()) {
    EXPECT_GT(ns, 0u);
    EXPECT_LT(ns, UINT64_C(10'000'000'000));
  }
}

}  // namespace
}  // namespace pp
