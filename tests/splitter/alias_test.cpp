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
using test::try_all_cuts;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Aliases, AValueWrittenByItsReceiverIsCopiedOnEntry) {
  const std::string text = R"(
module conv type(Conv)
module relu type(Relu)
input %x: float32[4]
%c: float32[4] grad = my.conv.default(self=%x) @ conv
%r: float32[4] grad = aten.relu_.default(self=%c) @ relu !writes(%c) !aliases(%r = %c)
%y: float32[4] grad = my.op.default(self=%r, other=%c) @ relu
output y = %y
)";
  const Partition parts = split(text, {"relu"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "c -> y");
  EXPECT_THAT(nodes_of(parts.stages[1]), ElementsAre("c_copy", "r", "y"));
  EXPECT_EQ(parts.stages[1].nodes[0].target, "aten.clone.default");
  EXPECT_THAT(
      parts.manifest.stages[1].notes,
      Contains("copies 'c' on entry: this stage writes it in place"));
  EXPECT_EQ(try_all_cuts(text), "");
}

// A value and its view both cross, and the view is written later.
constexpr const char* kView = R"(
range n = 2..64
module a type(A)
module b type(B)
module c type(C)
input %x: float32[n=4, 4]
%n: int(n=4) = aten.sym_size.int(self=%x, dim=0)
%h: float32[n=4, 4] grad = my.op.default(self=%x) @ a
%v: float32[4, n=4] grad = aten.view.default(self=%h, size=ints[4, %n]) @ a !aliases(%v = %h)
%g: float32[4, 4] grad = my.op.default(self=%v) @ a
%w: float32[4, n=4] grad = aten.add_.Tensor(self=%v, other=%g) @ b !writes(%v) !aliases(%w = %v)
%s: float32[n=4, 4] grad = my.op.default(self=%h, other=%w) @ b
%z: float32[n=4, 4] grad = aten.mul_.Tensor(self=%h, other=2) @ c !writes(%h) !aliases(%z = %h)
%y: float32[n=4, 4] grad = my.op.default(tensors[%v, %z, %s]) @ c
output y = %y
output h = %h
)";

TEST(Aliases, OnlyTheBaseCrossesAndViewsAreReplayedOnItsCopy) {
  const Partition parts = split(kView, {"b", "c"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "h g -> h s");
  EXPECT_THAT(
      nodes_of(parts.stages[1]), ElementsAre("n", "h_copy", "v", "w", "s"));
  EXPECT_THAT(
      nodes_of(parts.stages[2]), ElementsAre("n", "h_copy", "v", "z", "y"));
}

TEST(Aliases, SentValuesAreThoseAtThePositionOfTheCut) {
  EXPECT_EQ(try_all_cuts(kView), "");
}

TEST(Aliases, ViewsThatAreNeverWrittenCrossOnTheirOwn) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4, 4]
%h: float32[4, 4] grad = my.op.default(self=%x) @ a
%v: float32[4, 4] strides(1, 4) grad = aten.t.default(self=%h) @ a !aliases(%v = %h)
%y: float32[4, 4] grad = my.op.default(self=%v, other=%h) @ b
output y = %y
)";
  EXPECT_EQ(flow_of(split(text, {"b"}).manifest.stages[1]), "h v -> y");
  EXPECT_EQ(try_all_cuts(text), "");
}

// If reshape copied, its result doesn't see the write in between.
constexpr const char* kMayCopy = R"(
module a type(A)
module b type(B)
input %x: float32[4, 4]
%h: float32[4, 4] grad = my.op.default(self=%x) @ a
%v: float32[16] grad = aten.reshape.default(self=%h, shape=ints[16]) @ a !aliases(%v = %h)
%z: float32[4, 4] grad = aten.mul_.Tensor(self=%h, other=2) @ a !writes(%h) !aliases(%z = %h)
%w: float32[4, 4] grad = aten.mul_.Tensor(self=%z, other=2) @ b !writes(%z) !aliases(%w = %z)
%y: float32[4, 4] grad = my.op.default(self=%v, other=%w) @ b
output y = %y
)";

TEST(Aliases, ACutIsRefusedWhereAViewCantBeMadeAgain) {
  EXPECT_THAT(
      split_error(kMayCopy, {"b"}),
      AllOf(
          HasSubstr("can't cut at 'b'"),
          HasSubstr("'v' shares memory with 'h'")));
  const ir::Graph graph = ir::parse_text(kMayCopy);
  for (const Cut& cut : legal_cuts(analyse_flow(graph))) {
    EXPECT_NE(cut.position, 3);
  }
  EXPECT_EQ(try_all_cuts(kMayCopy), "");
}

TEST(Aliases, AWrittenUserInputComesFromTheStageThatWroteIt) {
  const std::string text = R"(
module a type(A)
module b type(B)
module c type(C)
module d type(D)
input %x: float32[4]
%v: float32[2, 2] = aten.view.default(self=%x, size=ints[2, 2]) @ a !aliases(%v = %x)
%h: float32[4] grad = my.op.default(self=%x) @ a
%w: float32[2, 2] = aten.add_.Tensor(self=%v, other=1) @ b !writes(%v) !aliases(%w = %v)
%i: float32[4] grad = my.op.default(self=%h, other=%x) @ b
%j: float32[4] grad = my.op.default(self=%i) @ c
%k: float32[4] grad = my.op.default(self=%x, other=%j) @ d
output y = %k
)";
  const Partition parts = split(text, {"b", "c", "d"});
  const auto& stages = parts.manifest.stages;
  EXPECT_EQ(flow_of(stages[0]), "[x] -> h");
  EXPECT_EQ(flow_of(stages[1]), "h [x] -> x i");
  EXPECT_EQ(flow_of(stages[2]), "x i -> x j");
  EXPECT_EQ(flow_of(stages[3]), "x j -> k");
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Aliases, SlicesWrittenPieceByPieceFollowTheirBase) {
  const std::string text = R"(
module a type(A)
module b type(B)
module c type(C)
input %x: float32[4, 4]
%h: float32[4, 4] grad = my.op.default(self=%x) @ a
[%p: float32[4, 2] strides(4, 1) grad, %q: float32[4, 2] strides(4, 1) grad] = aten.split.Tensor(self=%h, split_size=2, dim=1) @ a !aliases(%p = %h, %q = %h)
%p2: float32[4, 2] grad = aten.mul_.Tensor(self=%p, other=2) @ a !writes(%p) !aliases(%p2 = %p)
%q2: float32[4, 2] grad = aten.mul_.Tensor(self=%q, other=3) @ b !writes(%q) !aliases(%q2 = %q)
%y: float32[4, 4] grad = my.op.default(tensors[%h, %p2, %q2]) @ c
output y = %y
)";
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Aliases, DetachInPlaceIsNotAWrite) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
constant c = %c: int64[4]
%h: float32[4] grad = my.op.default(self=%x) @ a
%f: int64[4] = aten.lift_fresh_copy.default(self=%c) @ a
%d: int64[4] = aten.detach_.default(self=%f) @ a !writes(%f) !aliases(%d = %f)
%y: float32[4] grad = my.op.default(self=%h, other=%d) @ b
output y = %y
)";
  EXPECT_EQ(flow_of(split(text, {"b"}).manifest.stages[1]), "h -> y");
}

}  // namespace
}  // namespace pp
