#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/ir/text.h"
#include "splitter/cut/cut.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::flow_of;
using test::nodes_of;
using test::split;
using test::split_error;
using test::states_of;
using test::try_all_cuts;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTied = R"(
module embed type(Embedding)
module body type(Linear)
module head type(Linear)
input ids = %ids: int64[4]
parameter embed.w = %w: float32[16, 8] grad alias(head.w)
parameter body.w = %b: float32[8, 8] grad
parameter body.spare = %spare: float32[3] grad
parameter elsewhere = %else: float32[5] grad
%e: float32[4, 8] grad = aten.embedding.default(weight=%w, indices=%ids) @ embed
%h: float32[4, 8] grad = aten.linear.default(input=%e, weight=%b) @ body
%y: float32[4, 16] grad = aten.linear.default(input=%h, weight=%w) @ head
output y = %y
)";

TEST(States, ATiedParameterIsHeldByEveryStageThatReadsIt) {
  const Partition parts = split(kTied, {"body", "head"});
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("embed.w", "elsewhere"));
  EXPECT_THAT(states_of(parts.stages[2]), ElementsAre("embed.w"));
  ASSERT_EQ(parts.manifest.tied.size(), 1);
  const TiedParameter& tied = parts.manifest.tied[0];
  EXPECT_EQ(tied.fqn, "embed.w");
  EXPECT_THAT(tied.aliases, ElementsAre("head.w"));
  EXPECT_THAT(tied.stages, ElementsAre(0, 2));
  EXPECT_THAT(parts.stages[2].states[0].aliases, ElementsAre("head.w"));
  EXPECT_THAT(split(kTied, {}).manifest.tied, IsEmpty());
}

TEST(States, ATransmittedParameterIsHeldByItsFirstReaderAlone) {
  const Partition parts =
      split(kTied, {"body", "head"}, {.tied = TiedParameters::Transmit});
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("embed.w", "elsewhere"));
  EXPECT_THAT(states_of(parts.stages[1]), ElementsAre("body.w", "body.spare"));
  EXPECT_THAT(states_of(parts.stages[2]), IsEmpty());
  EXPECT_THAT(parts.manifest.tied, IsEmpty());
  const auto& stages = parts.manifest.stages;
  EXPECT_EQ(flow_of(stages[0]), "[ids] -> w e");
  EXPECT_EQ(flow_of(stages[1]), "w e -> w h");
  EXPECT_EQ(flow_of(stages[2]), "w h -> y");
  EXPECT_FALSE(stages[0].outputs[0].relayed);
  EXPECT_TRUE(stages[1].outputs[0].relayed);
  EXPECT_THAT(
      stages[0].notes,
      ElementsAre("sends its parameter 'embed.w' (512 B) to stage 2, which "
                  "reads it too"));
  EXPECT_THAT(
      stages[1].notes, ElementsAre("relays 'w' (stage 0 -> 2): read by head"));
  EXPECT_EQ(try_all_cuts(kTied, {.tied = TiedParameters::Transmit}), "");
  EXPECT_EQ(
      try_all_cuts(
          kTied, {.rematerialise = false, .tied = TiedParameters::Transmit}),
      "");
}

TEST(States, AnUnreadStateGoesToItsModuleOrTheFirstStage) {
  const Partition parts = split(kTied, {"body"});
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("embed.w", "elsewhere"));
  EXPECT_THAT(
      states_of(parts.stages[1]),
      ElementsAre("embed.w", "body.w", "body.spare"));
  EXPECT_EQ(parts.manifest.stages[1].num_parameters, 16 * 8 + 64 + 3);
}

TEST(States, ReadOnlyBuffersAndConstantsAreCopied) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
buffer table = %t: float32[4]
constant c = %c: float32[]
%h: float32[4] grad = my.op.default(self=%x, other=%t, third=%c) @ a
%y: float32[4] grad = my.op.default(self=%h, other=%t, third=%c) @ b
output y = %y
)";
  const Partition parts = split(text, {"b"});
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("table", "c"));
  EXPECT_THAT(states_of(parts.stages[1]), ElementsAre("table", "c"));
  EXPECT_THAT(parts.manifest.tied, IsEmpty());
  EXPECT_EQ(try_all_cuts(text), "");
}

// Module a writes `count` and c reads it; b is between them.
constexpr const char* kCounter = R"(
module a type(A)
module b type(B)
module c type(C)
input %x: float32[4]
buffer a.count = %count: int64[]
%h: float32[4] grad = my.op.default(self=%x) @ a
%n: int64[] = aten.add_.Tensor(self=%count, other=1) @ a !writes(%count) !aliases(%n = %count)
%v: int64[1] = aten.view.default(self=%count, size=ints[1]) @ a !aliases(%v = %count)
%i: float32[4] grad = my.op.default(self=%h) @ b
%y: float32[4] grad = my.op.default(tensors[%i, %count, %v]) @ c
output y = %y
)";

TEST(WrittenBuffers, BelongToTheStageThatWritesThemAndAreRelayed) {
  const Partition parts = split(kCounter, {"b", "c"});
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("a.count"));
  EXPECT_THAT(states_of(parts.stages[2]), IsEmpty());
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "count h v -> count v i");
  // The next microbatch writes the counter while this one is in flight.
  EXPECT_THAT(
      nodes_of(parts.stages[0]),
      ElementsAre("h", "n", "v", "count_copy", "v_copy"));
  EXPECT_EQ(try_all_cuts(kCounter), "");
}

TEST(WrittenBuffers, MayNotBeWrittenByTwoStages) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
buffer n = %n: float32[4]
%p: float32[4] = aten.add_.Tensor(self=%n, other=%x) @ a !writes(%n) !aliases(%p = %n)
%h: float32[4] grad = my.op.default(self=%x) @ a
%q: float32[4] = aten.add_.Tensor(self=%n, other=%h) @ b !writes(%n) !aliases(%q = %n)
%y: float32[4] grad = my.op.default(self=%h, other=%q) @ b
output y = %y
)";
  EXPECT_THAT(
      split_error(text, {"b"}),
      HasSubstr("can't cut at 'b': 'n' would be written by two stages"));
  const ir::Graph graph = ir::parse_text(text);
  for (const Cut& cut : legal_cuts(analyse_flow(graph))) {
    EXPECT_GT(cut.position, 2);
  }
}

TEST(WrittenBuffers, MayNotBeReadByAnEarlierStage) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
buffer n = %n: float32[4]
%h: float32[4] grad = my.op.default(self=%x, other=%n) @ a
%q: float32[4] = aten.add_.Tensor(self=%n, other=%h) @ b !writes(%n) !aliases(%q = %n)
%y: float32[4] grad = my.op.default(self=%h, other=%q) @ b
output y = %y
)";
  EXPECT_THAT(
      split_error(text, {"b"}), HasSubstr("'n' would be read before the cut"));
}

TEST(WrittenBuffers, InAFunctionalGraphStayWithTheirNewValue) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
buffer a.n = %n: int64[]
buffer b.n = %m: int64[]
%h: float32[4] grad = my.op.default(self=%x) @ a
%n2: int64[] = aten.add.Tensor(self=%n, other=1) @ a
%i: float32[4] grad = my.op.default(self=%h, other=%n) @ b
%m2: int64[] = aten.add.Tensor(self=%m, other=1) @ b
%y: float32[4] grad = my.op.default(self=%i, other=%n2) @ b
output y = %y
mutate a.n = %n2
mutate b.n = %m2
)";
  const Partition parts = split(text, {"b"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "n h n2 -> y");
  ASSERT_EQ(parts.stages[0].mutations.size(), 1);
  EXPECT_EQ(parts.stages[0].mutations[0].fqn, "a.n");
  EXPECT_EQ(parts.stages[1].mutations[0].fqn, "b.n");
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(WrittenBuffers, ReturnedByTheModelAreReturnedAsTheyWere) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
buffer n = %n: int64[]
%h: float32[4] grad = my.op.default(self=%x) @ a
%i: float32[4] grad = my.op.default(self=%h) @ b
%p: int64[] = aten.add_.Tensor(self=%n, other=1) @ b !writes(%n) !aliases(%p = %n)
output y = %i
output n = %n
)";
  EXPECT_EQ(try_all_cuts(text), "");
}

}  // namespace
}  // namespace pp
