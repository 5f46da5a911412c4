#include <gtest/gtest.h>

#include "loader/ir/walk.h"
#include "tests/exported_program/cases.h"

namespace pp {
namespace {

using ir::Graph;
using ir::Node;
using test::load_case;
using test::node_of;

TEST(Effects, WritesAndAliasesBySchema) {
  const Graph graph = load_case("counter").graph;
  const Node& add = node_of(graph, "aten.add_.Tensor");
  const ir::ValueId steps =
      graph.states.at(static_cast<size_t>(ir::try_find_state(graph, "steps")))
          .value;
  EXPECT_EQ(add.effects.writes, std::vector<ir::ValueId>{steps});
  const ir::ValueId result = add.outputs.at(0).ids.at(0);
  EXPECT_EQ(
      add.effects.aliases,
      (std::vector<std::pair<ir::ValueId, ir::ValueId>>{{result, steps}}));
}

TEST(Effects, RunningStatisticsAreWritten) {
  const Node norm =
      node_of(load_case("batch_norm").graph, "aten.batch_norm.default");
  EXPECT_EQ(norm.effects.writes.size(), 2U);
}

TEST(Effects, ViewsInListsAliasTheirBase) {
  const Node chunk = node_of(load_case("twice").graph, "aten.chunk.default");
  ASSERT_EQ(chunk.effects.aliases.size(), 2U);
  EXPECT_EQ(chunk.effects.aliases[0].first, chunk.outputs[0].ids[0]);
}

TEST(Effects, DropoutIsRandomAndMayReturnItsInput) {
  const Node dropout = node_of(load_case("gpt2").graph, "aten.dropout.default");
  EXPECT_TRUE(dropout.effects.random);
  EXPECT_EQ(dropout.effects.aliases.size(), 1U);
  EXPECT_FALSE(
      node_of(load_case("gpt2").graph, "aten.linear.default").effects.random);
}

}  // namespace
}  // namespace pp
