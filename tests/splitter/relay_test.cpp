#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::flow_of;
using test::nodes_of;
using test::split;
using test::try_all_cuts;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// `s` skips from a to d; a makes `early`, an output of the model.
constexpr const char* kSkip = R"(
range n = 2..64
module a type(A)
module b type(B)
module c type(C)
module d type(D)
input %x: float32[n=4, 8]
input labels = %labels: int64[n=4]
%size: int(n=4) = aten.sym_size.int(self=%x, dim=0)
%s: float32[n=4, 8] grad = my.op.default(self=%x) @ a
%early: float32[n=4, 1] grad = my.op.default(self=%s) @ a
%b1: float32[n=4, 8] grad = my.op.default(self=%s) @ b
%c1: float32[n=4, 8] grad = my.op.default(self=%b1) @ c
%d1: float32[n=4, 8] grad = aten.add.Tensor(self=%c1, other=%s) @ d
%d2: float32[8, n=4] grad = aten.view.default(self=%d1, size=ints[8, %size]) @ d !aliases(%d2 = %d1)
%loss: float32[] grad = my.loss.default(self=%d2, target=%labels) @ /
output logits = %d2
output early = %early
output loss = %loss
)";

TEST(Relay, PassesAValueThroughTheStagesBetween) {
  const Partition parts = split(kSkip, {"b", "c", "d"});
  const auto& stages = parts.manifest.stages;
  EXPECT_EQ(flow_of(stages[0]), "[x] -> s early");
  EXPECT_EQ(flow_of(stages[1]), "s early -> s early b1");
  EXPECT_EQ(flow_of(stages[2]), "s early b1 -> s early c1");
  EXPECT_EQ(flow_of(stages[3]), "s early c1 [labels] -> d2 early loss");
  EXPECT_TRUE(stages[1].outputs[0].relayed);
  EXPECT_FALSE(stages[1].outputs[2].relayed);
  EXPECT_FALSE(stages[0].outputs[0].relayed);
  EXPECT_THAT(
      stages[1].notes, Contains("relays 's' (stage 0 -> 3): read by d"));
}

TEST(Relay, MarksValuesThatOnlyTheModelReturns) {
  const Partition parts = split(kSkip, {"b", "d"});
  const auto& first = parts.manifest.stages[0].outputs;
  EXPECT_FALSE(first[0].only_for_output);
  EXPECT_TRUE(first[1].only_for_output);
  const auto& last = parts.manifest.stages[2].outputs;
  EXPECT_TRUE(last[1].relayed);
  EXPECT_FALSE(last[1].to_next);
  EXPECT_EQ(last[1].model_output, "early");
  EXPECT_THAT(
      parts.manifest.stages[1].notes,
      Contains("relays 'early' (stage 0 -> 2): it is an output of the model"));
}

TEST(Relay, UserInputsComeFromTheDataInEveryStage) {
  const Partition parts = split(kSkip, {"d"});
  const auto& inputs = parts.manifest.stages[1].inputs;
  ASSERT_EQ(inputs.size(), 4);
  EXPECT_TRUE(inputs[3].from_user);
  EXPECT_EQ(inputs[3].user_name, "labels");
  EXPECT_TRUE(parts.stages[1].inputs[3].keyword);
  EXPECT_FALSE(parts.stages[1].inputs[0].keyword);
}

TEST(Sizes, AreReadOffATensorThatTheStageHasAnyway) {
  const Partition parts = split(kSkip, {"d"});
  const ir::Node& node = parts.stages[1].nodes[0];
  EXPECT_EQ(node.target, "aten.sym_size.int");
  EXPECT_EQ(nodes_of(parts.stages[1])[0], "size");
  // `early` would do too, but a run may leave it out.
  EXPECT_EQ(
      std::get<ir::Ref>(node.inputs[0].arg.value).id,
      parts.stages[1].inputs[0].value);
  // The first stage doesn't need the size.
  EXPECT_THAT(nodes_of(parts.stages[0]), ElementsAre("s", "early", "b1", "c1"));
}

TEST(Sizes, AreRelayedWhereNoTensorHasThem) {
  const std::string text = R"(
range n = 2..64
module a type(A)
module b type(B)
module c type(C)
input %x: float32[n=4]
%size: int(n=4) = aten.sym_size.int(self=%x, dim=0)
%s: float32[] grad = my.op.default(self=%x) @ a
%t: float32[] grad = my.op.default(self=%s) @ b
%twice: int("2*n"=8) = _operator.mul(%size, 2) @ b
%u: float32[] grad = aten.mul.Tensor(self=%t, other=%twice) @ c
output y = %u
)";
  const Partition parts = split(text, {"b", "c"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "size s -> t twice");
  EXPECT_EQ(flow_of(parts.manifest.stages[2]), "t twice -> u");
  EXPECT_EQ(parts.manifest.stages[1].inputs[0].type.kind, ir::TypeKind::Int);
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Sizes, AreMadeByArithmeticFromSizesAtHand) {
  const std::string text = R"(
range n = 2..64
module a type(A)
module b type(B)
input %x: float32[n=4]
%size: int(n=4) = aten.sym_size.int(self=%x, dim=0)
%twice: int("2*n"=8) = _operator.mul(%size, 2)
%s: float32[n=4] grad = my.op.default(self=%x) @ a
%t: float32[n=4] grad = aten.mul.Tensor(self=%s, other=%twice) @ b
output y = %t
)";
  const Partition parts = split(text, {"b"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "s -> t");
  EXPECT_THAT(nodes_of(parts.stages[1]), ElementsAre("size", "twice", "t"));
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Relay, AnyCutOfAGraphWithSkipsComputesTheSame) {
  EXPECT_EQ(try_all_cuts(kSkip), "");
}

TEST(Relay, ListResultsCrossOneByOne) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4, 8]
[%q: float32[4, 4] strides(8, 1) grad, %k: float32[4, 4] strides(8, 1) grad] =
    my.split.default(self=%x) @ a
%p: float32[4, 4] grad = my.op.default(self=%q) @ a
%y: float32[4, 4] grad = my.attend.default(tensors[%p, %k]) @ b
output y = %y
)";
  const Partition parts = split(text, {"b"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "k p -> y");
  EXPECT_EQ(parts.manifest.stages[1].inputs[0].tensor.strides[0].value, 8);
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Relay, OutputsMayBeInputsStatesAndConstants) {
  const std::string text = R"(
module a type(A)
module b type(B)
input %x: float32[4]
parameter w = %w: float32[4] grad
%s: float32[4] grad = aten.mul.Tensor(self=%x, other=%w) @ a
%t: float32[4] grad = my.op.default(self=%s) @ b
output y = %t
output x = %x
output w = %w
output none = none
)";
  const Partition parts = split(text, {"b"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "s [x] -> t x w ");
  EXPECT_EQ(try_all_cuts(text), "");
}

}  // namespace
}  // namespace pp
