#include "splitter/cut/cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::flow_of;
using test::nodes_of;
using test::split;
using test::split_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A chain of three modules, of which the second has two of its own, with a size
// before it and an assertion in between.
constexpr const char* kChain = R"(
range s0 = 2..64
module a type(Linear)
module b type(Block)
module b.c type(Linear)
module b.d type(Relu)
module e type(Linear)
input %x: float32[s0=4, 8]
parameter a.w = %a_w: float32[8, 8] grad
parameter b.c.w = %c_w: float32[8, 8] grad
parameter e.w = %e_w: float32[8, 8] grad
parameter unused.w = %u_w: float32[8, 8] grad
%n: int(s0=4) = aten.sym_size.int(self=%x, dim=0)
%h: float32[s0=4, 8] grad = aten.linear.default(input=%x, weight=%a_w) @ a
aten._assert_tensor_metadata.default(a=%h) @ /
%i: float32[s0=4, 8] grad = aten.linear.default(input=%h, weight=%c_w) @ b / b.c
%j: float32[s0=4, 8] grad = aten.relu.default(self=%i) @ b / b.d
%k: float32[s0=4, 8] grad = aten.linear.default(input=%j, weight=%e_w) @ e
output y = %k
)";

std::vector<SplitPoint> points(std::initializer_list<const char*> at) {
  std::vector<SplitPoint> out;
  for (const char* each : at) {
    out.push_back(parse_split_point(each));
  }
  return out;
}

TEST(SplitPointText, NamesAModuleAndASide) {
  EXPECT_EQ(parse_split_point("h.2").side, SplitSide::Beginning);
  EXPECT_EQ(parse_split_point("h.2:end").fqn, "h.2");
  EXPECT_EQ(parse_split_point("h.2:end").side, SplitSide::End);
  EXPECT_EQ(to_string(parse_split_point("h.2:end")), "h.2:end");
  EXPECT_THROW(parse_split_point(""), Error);
  EXPECT_THROW(parse_split_point(":end"), Error);
  EXPECT_THROW(parse_split_point("h.2:middle"), Error);
}

TEST(Cuts, BeginningIsBeforeTheFirstNodeAndEndAfterTheLast) {
  const ir::Graph graph = ir::parse_text(kChain);
  const Flow flow = analyse_flow(graph);
  EXPECT_EQ(resolve(flow, points({"b"}))[0].position, 3);
  EXPECT_EQ(resolve(flow, points({"b:end"}))[0].position, 5);
  EXPECT_EQ(resolve(flow, points({"b.d"}))[0].position, 4);
  EXPECT_EQ(resolve(flow, points({"a:end"}))[0].position, 2);
}

TEST(Cuts, GiveStagesInOrderOfTheGraphNotOfTheSpec) {
  const Partition parts = split(kChain, {"e", "b"});
  ASSERT_EQ(parts.stages.size(), 3);
  EXPECT_EQ(flow_of(parts.manifest.stages[0]), "[x] -> h");
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "h -> j");
  EXPECT_EQ(flow_of(parts.manifest.stages[2]), "j -> k");
  EXPECT_THAT(parts.manifest.cuts, ElementsAre("b", "e"));
  EXPECT_THAT(parts.manifest.stages[1].modules, ElementsAre("b"));
}

TEST(Cuts, MayLieInsideAModule) {
  const Partition parts = split(kChain, {"b.d"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "i -> k");
  EXPECT_THAT(parts.manifest.stages[0].modules, ElementsAre("a", "b.c"));
  EXPECT_THAT(parts.manifest.stages[1].modules, ElementsAre("b.d", "e"));
}

TEST(Cuts, AtTheSamePlaceBecomeOne) {
  EXPECT_EQ(split(kChain, {"b:end", "e"}).stages.size(), 2);
  EXPECT_EQ(split(kChain, {"b", "b.c", "b"}).stages.size(), 2);
  // Only an assertion lies between these.
  EXPECT_EQ(split(kChain, {"a:end", "b"}).stages.size(), 2);
}

TEST(Cuts, WithoutSplitPointsThereIsOneStage) {
  const Partition parts = split(kChain, {});
  ASSERT_EQ(parts.stages.size(), 1);
  EXPECT_THAT(
      nodes_of(parts.stages[0]),
      ElementsAre(
          "n", "h", "aten._assert_tensor_metadata.default", "i", "j", "k"));
}

TEST(Cuts, EmptyStagesAreRefusedByName) {
  EXPECT_THAT(
      split_error(kChain, {"a"}),
      HasSubstr("nothing runs before 'a', so the first stage would be empty"));
  EXPECT_THAT(
      split_error(kChain, {"b", "e:end"}),
      HasSubstr("nothing runs after 'e:end', so the last stage"));
  const std::string checks_only = R"(
module a type(A)
module b type(B)
module c type(C)
input %x: float32[4]
%h: float32[4] = aten.relu.default(self=%x) @ a
aten._assert_tensor_metadata.default(a=%h) @ b
%i: float32[4] = aten.relu.default(self=%h) @ c
output y = %i
)";
  EXPECT_THAT(
      split_error(checks_only, {"b", "c"}),
      HasSubstr("nothing runs between 'b' and 'c', so stage 1 would be empty"));
}

TEST(Cuts, UnknownModulesAreRefusedWithTheNearestNames) {
  EXPECT_THAT(
      split_error(kChain, {"b.e"}),
      AllOf(
          HasSubstr("'b.e': the model has no such module"),
          HasSubstr("did you mean"),
          HasSubstr("'b.c'")));
  EXPECT_THAT(
      split_error(kChain, {"unused"}),
      HasSubstr("the graph never calls this module"));
}

TEST(LegalCuts, NameEveryModuleBoundaryAndWhatCrosses) {
  const ir::Graph graph = ir::parse_text(kChain);
  const std::vector<Cut> cuts = legal_cuts(analyse_flow(graph));
  // Before `a` there is only a size, which is no stage.
  ASSERT_EQ(cuts.size(), 4);
  EXPECT_THAT(cuts[0].names, ElementsAre("a:end"));
  EXPECT_THAT(cuts[1].names, ElementsAre("b", "b.c"));
  EXPECT_THAT(cuts[2].names, ElementsAre("b.d", "b.c:end"));
  EXPECT_THAT(cuts[3].names, ElementsAre("e", "b:end", "b.d:end"));
  EXPECT_EQ(cuts[2].num_bytes, 4 * 8 * 4);
}

TEST(LegalCuts, TakeNearLinearTimeInTheSizeOfTheGraph) {
  std::string text = "input %x0: float32[4, 4] grad\n";
  constexpr int kNodes = 20000;
  for (int i = 1; i <= kNodes; ++i) {
    text += "%x" + std::to_string(i) +
            ": float32[4, 4] grad = aten.relu.default(self=%x" +
            std::to_string(i - 1) + ") @ m" + std::to_string(i / 10) + "\n";
  }
  text += "output y = %x" + std::to_string(kNodes) + "\n";
  const ir::Graph graph = ir::parse_text(text);
  EXPECT_EQ(legal_cuts(analyse_flow(graph)).size(), kNodes - 1);
}

TEST(Markers, CutWhereTheyStandAndAreDroppedOtherwise) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
%h: float32[4] = aten.relu.default(self=%x) @ a
pippy._pipe_split.default() @ /
%i: float32[4] = aten.relu.default(self=%h) @ b
output y = %i
)";
  const ir::Graph graph = ir::parse_text(text);
  SplitSpec spec;
  spec.markers = true;
  const SplitFlow flow(graph);
  const auto cuts = choose_cuts(flow, spec);
  ASSERT_EQ(cuts.size(), 1);
  EXPECT_THAT(cuts[0].names, ElementsAre("marker 1"));
  const Partition parts = partition_graph(flow.for_stages(), cuts);
  EXPECT_THAT(nodes_of(parts.stages[0]), ElementsAre("h"));
  EXPECT_THAT(nodes_of(parts.stages[1]), ElementsAre("i"));
  EXPECT_THAT(nodes_of(split(text, {}).stages[0]), ElementsAre("h", "i"));
  const ir::Graph unmarked = ir::parse_text(kChain);
  EXPECT_THROW(marked_cuts(analyse_flow(unmarked)), Error);
}

TEST(Specs, MayNotCutInTwoWays) {
  SplitSpec spec;
  spec.markers = true;
  spec.num_stages = 2;
  const ir::Graph graph = ir::parse_text(kChain);
  EXPECT_THROW(choose_cuts(SplitFlow(graph), spec), Error);
}

}  // namespace
}  // namespace pp
