#include "splitter/cut/balance.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "splitter/cut/partition.h"

namespace pp {
namespace {

using ::testing::HasSubstr;

/// A chain of linear layers l0, l1, ... of these widths (out features).
ir::Graph chain(const std::vector<int>& widths) {
  std::string head;
  std::string body;
  int in = 8;
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string k = std::to_string(i);
    const std::string out = std::to_string(widths[i]);
    head += "module l" + k + " type(Linear)\n";
    body += "parameter l" + k + ".w = %w" + k + ": float32[" + out + ", " +
            std::to_string(in) + "] grad\n";
    in = widths[i];
  }
  std::string nodes;
  for (size_t i = 0; i < widths.size(); ++i) {
    nodes += "%h" + std::to_string(i + 1) + ": float32[4, " +
             std::to_string(widths[i]) +
             "] grad = aten.linear.default(input=%h" + std::to_string(i) +
             ", weight=%w" + std::to_string(i) + ") @ l" + std::to_string(i) +
             "\n";
  }
  return ir::parse_text(
      head + "input %h0: float32[4, 8]\n" + body + nodes + "output y = %h" +
      std::to_string(widths.size()) + "\n");
}

std::vector<uint64_t> params(const ir::Graph& graph, int num_stages) {
  SplitSpec spec;
  spec.num_stages = num_stages;
  const SplitFlow flow(graph);
  const auto parts =
      partition_graph(flow.for_stages(), choose_cuts(flow, spec));
  std::vector<uint64_t> out;
  for (const auto& stage : parts.manifest.stages) {
    out.push_back(stage.num_parameters);
  }
  return out;
}

TEST(Balance, FindsTheLightestHeaviestStageOfAll) {
  const std::vector<int> widths{16, 4, 40, 8, 8, 30, 2, 12};
  const ir::Graph graph = chain(widths);
  std::vector<uint64_t> weights;
  uint64_t in = 8;
  for (const int width : widths) {
    weights.push_back(in * static_cast<uint64_t>(width));
    in = static_cast<uint64_t>(width);
  }
  // The reference tries all splits.
  uint64_t best = UINT64_MAX;
  for (size_t i = 1; i < weights.size(); ++i) {
    for (size_t j = i + 1; j < weights.size(); ++j) {
      uint64_t sums[3] = {};
      for (size_t k = 0; k < weights.size(); ++k) {
        sums[k < i ? 0 : k < j ? 1 : 2] += weights[k];
      }
      best = std::min(best, *std::ranges::max_element(sums));
    }
  }
  const auto found = params(graph, 3);
  ASSERT_EQ(found.size(), 3);
  EXPECT_EQ(*std::ranges::max_element(found), best);
}

TEST(Balance, SendsTheFewestBytesAmongEquals) {
  // Cuts after a and after b weigh the same; b's result is narrower.
  const ir::Graph graph = ir::parse_text(R"(
module a type(Linear)
module b type(Narrow)
module c type(Linear)
input %x: float32[4, 8]
parameter a.w = %w: float32[8, 8] grad
parameter c.w = %v: float32[8, 8] grad
%h: float32[4, 8] grad = aten.linear.default(input=%x, weight=%w) @ a
%i: float32[4, 2] grad = my.narrow.default(self=%h) @ b
%y: float32[4, 8] grad = my.linear.default(self=%i, weight=%v) @ c
output y = %y
)");
  SplitSpec spec;
  spec.num_stages = 2;
  const auto cuts = choose_cuts(SplitFlow(graph), spec);
  ASSERT_EQ(cuts.size(), 1);
  EXPECT_EQ(cuts[0].names.front(), "c");
}

// 17 blocks on 8 stages: one stage has three. The others could have three, one
// or none as well.
TEST(Balance, IsEvenAmongSplitsOfTheSameHeaviestStage) {
  std::vector<uint64_t> even(8, 2 * 64);
  auto found = params(chain(std::vector<int>(17, 8)), 8);
  std::ranges::sort(found);
  even.back() = 3 * 64;
  EXPECT_EQ(found, even);
  // 13 on 3: 5, 4 and 4, not 5, 5 and 3.
  found = params(chain(std::vector<int>(13, 8)), 3);
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<uint64_t>{4 * 64, 4 * 64, 5 * 64}));
}

TEST(Balance, LeavesNoStageWithAnActivationAlone) {
  std::string head;
  std::string parameters;
  std::string nodes;
  for (int i = 0; i < 17; ++i) {
    const std::string k = std::to_string(i);
    head += "module b" + k + ".lin type(Linear)\nmodule b" + k +
            ".act type(ReLU)\n";
    parameters +=
        "parameter b" + k + ".lin.w = %w" + k + ": float32[8, 8] grad\n";
    nodes += "%g" + k + ": float32[4, 8] grad = aten.linear.default(input=%h" +
             k + ", weight=%w" + k + ") @ b" + k + ".lin\n%h" +
             std::to_string(i + 1) +
             ": float32[4, 8] grad = aten.relu.default(self=%g" + k + ") @ b" +
             k + ".act\n";
  }
  const ir::Graph graph = ir::parse_text(
      head + "input %h0: float32[4, 8]\n" + parameters + nodes +
      "output y = %h17\n");
  for (const Balance balance : {Balance::Params, Balance::Flops}) {
    SplitSpec spec;
    spec.num_stages = 8;
    spec.balance = balance;
    const SplitFlow flow(graph);
    const auto parts =
        partition_graph(flow.for_stages(), choose_cuts(flow, spec));
    for (const StageManifest& stage : parts.manifest.stages) {
      EXPECT_GE(stage.num_parameters, 2 * 64);
    }
  }
}

TEST(Balance, WeighsByFlopsAndMemoryToo) {
  const ir::Graph graph = chain({8, 8, 8, 8});
  for (const Balance balance : {Balance::Flops, Balance::Memory}) {
    SplitSpec spec;
    spec.num_stages = 2;
    spec.balance = balance;
    const auto cuts = balance_cuts(SplitFlow(graph), spec);
    ASSERT_EQ(cuts.size(), 1);
    EXPECT_EQ(cuts[0].names.front(), "l2");
  }
}

std::vector<std::string> names(const std::vector<Cut>& cuts) {
  std::vector<std::string> out;
  for (const Cut& cut : cuts) {
    out.push_back(cut.names.empty() ? "" : cut.names.front());
  }
  return out;
}

/// A spec with costs that a measurement could have given.
SplitSpec by_time(
    int stages, std::vector<uint64_t> node_ns, double ns_per_byte = 0) {
  SplitSpec spec;
  spec.num_stages = stages;
  spec.balance = Balance::Time;
  spec.costs =
      std::make_shared<const NodeCosts>(NodeCosts{node_ns, ns_per_byte});
  return spec;
}

TEST(Balance, ByTimeEvensOutWhatWasMeasured) {
  const ir::Graph graph = chain({8, 8, 8, 8, 8});
  EXPECT_EQ(
      names(balance_cuts(SplitFlow(graph), by_time(2, {10, 10, 10, 10, 100}))),
      std::vector<std::string>{"l4"});
  const auto spec = by_time(3, {50, 10, 10, 60, 30});
  const auto cuts = balance_cuts(SplitFlow(graph), spec);
  EXPECT_EQ(names(cuts), (std::vector<std::string>{"l3", "l4"}));
  EXPECT_EQ(
      predict_costs(analyse_flow(graph), spec, cuts),
      (std::vector<uint64_t>{70, 60, 30}));
}

TEST(Balance, ByTimeCountsWhatAStageReceivesAndSends) {
  // 4 x 2 floats cross after l1, and 4 x 8 after the others.
  const ir::Graph graph = chain({8, 2, 8, 8});
  const auto spec = by_time(2, {10, 9, 9, 10}, 0.5);
  const auto cuts = balance_cuts(SplitFlow(graph), spec);
  EXPECT_EQ(names(cuts), std::vector<std::string>{"l2"});
  EXPECT_EQ(
      predict_costs(analyse_flow(graph), spec, cuts),
      (std::vector<uint64_t>{19 + 16, 19 + 16}));
}

constexpr const char* kInside = R"(
module a type(Block)
module b type(Block)
input %x: float32[4, 8]
parameter a.w = %w: float32[8, 8] grad
parameter b.w = %v: float32[8, 8] grad
%h: float32[4, 8] grad = aten.linear.default(input=%x, weight=%w) @ a
%i: float32[4, 2] grad = my.narrow.default(self=%h) @ a
%j: float32[4, 8] grad = my.widen.default(self=%i) @ a
%y: float32[4, 8] grad = my.linear.default(self=%j, weight=%v) @ b
output y = %y
)";

TEST(Balance, CutsInsideAModuleWhereThatIsLighter) {
  const ir::Graph graph = ir::parse_text(kInside);
  const auto cuts =
      balance_cuts(SplitFlow(graph), by_time(2, {10, 10, 10, 10}));
  ASSERT_EQ(cuts.size(), 1);
  EXPECT_EQ(cuts[0].position, 2);
  EXPECT_EQ(
      choose_cuts(SplitFlow(graph), by_time(2, {10, 10, 10, 10}))[0].position,
      cuts[0].position);
}

TEST(Balance, PrefersModuleBoundariesAmongEquals) {
  // Cuts after %h, %i and %j weigh the same; fewest bytes cross after %i.
  const ir::Graph graph = ir::parse_text(kInside);
  EXPECT_EQ(
      names(balance_cuts(SplitFlow(graph), by_time(2, {40, 0, 0, 40}))),
      std::vector<std::string>{"b"});
}

TEST(Balance, EveryMeasureKeepsWithinTheMemory) {
  const ir::Graph graph = chain({64, 64, 8, 8});
  SplitSpec spec = by_time(2, {1, 1, 50, 50});
  EXPECT_EQ(
      names(balance_cuts(SplitFlow(graph), spec)),
      std::vector<std::string>{"l3"});
  // The two wide layers fit into one stage, but nothing else beside them.
  spec.memory = 75'900;
  EXPECT_EQ(
      names(balance_cuts(SplitFlow(graph), spec)),
      std::vector<std::string>{"l2"});
  spec.memory = 100;
  EXPECT_THROW(balance_cuts(SplitFlow(graph), spec), Error);
}

std::string error_of(const ir::Graph& graph, const SplitSpec& spec) {
  try {
    balance_cuts(SplitFlow(graph), spec);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error.what();
  }
  return {};
}

TEST(Balance, NamesRoundTrip) {
  for (const BalanceRow& row : kBalances) {
    EXPECT_EQ(try_parse_enum<Balance>(row.name), row.kind);
    EXPECT_EQ(row_of(row.kind).name, row.name);
  }
  EXPECT_EQ(try_parse_enum<Balance>("speed"), std::nullopt);
}

TEST(Balance, SaysWhyItCant) {
  const ir::Graph graph = chain({8, 8, 8});
  SplitSpec spec;
  spec.num_stages = 4;
  EXPECT_THAT(
      error_of(graph, spec),
      HasSubstr("can't make 4 stages: the model has 2 places"));
  spec.num_stages = 2;
  spec.balance = Balance::Time;
  EXPECT_THAT(error_of(graph, spec), HasSubstr("needs measured times"));
  spec.balance = Balance::Memory;
  spec.memory = 100;
  EXPECT_THAT(error_of(graph, spec), HasSubstr("memory = 100 B"));
  spec.num_stages = -1;
  EXPECT_THAT(error_of(graph, spec), HasSubstr("stages = -1"));
}

}  // namespace
}  // namespace pp
