#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::flow_of;
using test::nodes_of;
using test::split;
using test::split_error;
using test::states_of;
using test::try_all_cuts;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// LLaMA makes a mask from the ids and a table from positions and a buffer once,
// and every layer reads them.
constexpr const char* kRope = R"(
range b = 2..64
range s = 2..4096
module embed type(Embedding)
module rotary type(Rotary)
module layers.0 type(Layer)
module layers.1 type(Layer)
module layers.2 type(Layer)
input ids = %ids: int64[b=2, s=16]
parameter embed.w = %w: float32[256, 8] grad
buffer rotary.freq = %freq: float32[8] transient
%s: int(s=16) = aten.sym_size.int(self=%ids, dim=1)
%e: float32[b=2, s=16, 8] grad = aten.embedding.default(weight=%w, indices=%ids) @ embed
%p: int64[s=16] = aten.arange.default(end=%s) @ rotary
%u: int64[s=16, 1] = aten.unsqueeze.default(self=%p, dim=1) @ rotary !aliases(%u = %p)
%m: float32[s=16, 8] = aten.mul.Tensor(self=%u, other=%freq) @ rotary
aten._assert_tensor_metadata.default(a=%m) @ rotary
%cos: float32[s=16, 8] = aten.cos.default(self=%m) @ rotary
%mask: bool[b=2, s=16] = aten.ne.Scalar(self=%ids, other=0) @ /
%x0: float32[b=2, s=16, 8] grad = my.layer.default(self=%e, cos=%cos, mask=%mask) @ layers.0
%x1: float32[b=2, s=16, 8] grad = my.layer.default(self=%x0, cos=%cos, mask=%mask) @ layers.1
%x2: float32[b=2, s=16, 8] grad = my.layer.default(self=%x1, cos=%cos, mask=%mask) @ layers.2
output y = %x2
)";

TEST(Rematerialise, MakesMasksAndTablesWhereTheyAreNeeded) {
  const Partition parts = split(kRope, {"layers.1", "layers.2"});
  const auto& stages = parts.manifest.stages;
  EXPECT_EQ(flow_of(stages[0]), "[ids] -> x0");
  EXPECT_EQ(flow_of(stages[1]), "x0 [ids] -> x1");
  EXPECT_EQ(flow_of(stages[2]), "x1 [ids] -> x2");
  EXPECT_THAT(
      nodes_of(parts.stages[1]),
      ElementsAre("s", "p", "u", "m", "cos", "mask", "x1"));
  EXPECT_THAT(states_of(parts.stages[1]), ElementsAre("rotary.freq"));
  EXPECT_THAT(
      stages[1].notes,
      Contains("recomputes 'cos' (4 nodes) instead of relaying 512 B: computed "
               "only from rotary.freq"));
  EXPECT_THAT(stages[1].notes, Contains(HasSubstr("computed only from ids")));
}

TEST(Rematerialise, LeavesOutWhatOnlyLaterStagesNeed) {
  const Partition parts = split(kRope, {"layers.0"});
  EXPECT_THAT(nodes_of(parts.stages[0]), ElementsAre("e"));
  EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("embed.w"));
  EXPECT_THAT(
      split_error(kRope, {"embed:end", "layers.0"}),
      HasSubstr(
          "stage 1 (between 'embed:end' and 'layers.0') would be empty: other "
          "stages recompute everything"));
}

TEST(Rematerialise, CanBeTurnedOff) {
  const Partition parts = split(kRope, {"layers.1"}, {.rematerialise = false});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "cos mask x0 -> x2");
}

TEST(Rematerialise, AnyCutComputesTheSame) {
  EXPECT_EQ(try_all_cuts(kRope), "");
}

// A model of two modules in which a node of the first makes `v` for the second.
std::string with(const std::string& state, std::string node) {
  // The module stands before the effects.
  node.insert(
      std::min(node.find(" !", node.rfind('\n') + 1), node.size()), " @ a");
  return "module a type(A)\nmodule b type(B)\n"
         "input ids = %ids: int64[4, 4]\n"
         "input pixels = %pixels: float32[4, 4]\n" +
         state + "%h: float32[4, 4] grad = my.op.default(self=%ids) @ a\n" +
         node +
         "\n"
         "%y: float32[4, 4] grad = my.op.default(self=%h, other=%v) @ b\n"
         "output y = %y\n";
}

std::string received(const std::string& text) {
  return flow_of(split(text, {"b"}).manifest.stages[1]);
}

TEST(Rematerialise, NotWhatComesFromParametersOrFloatingInputs) {
  EXPECT_EQ(
      received(with("", "%v: bool[4, 4] = aten.ne.Scalar(self=%ids, other=0)")),
      "h [ids] -> y");
  EXPECT_EQ(
      received(
          with("", "%v: bool[4, 4] = aten.ne.Scalar(self=%pixels, other=0)")),
      "h v -> y");
  EXPECT_EQ(
      received(with(
          "parameter w = %w: float32[4, 4] grad\n",
          "%v: bool[4, 4] = aten.ne.Scalar(self=%w, other=0)")),
      "h v -> y");
}

TEST(Rematerialise, NotWhatIsRandomCostlyOrWritten) {
  EXPECT_EQ(
      received(with(
          "", "%v: float32[4, 4] = aten.rand_like.default(self=%ids) !random")),
      "h v -> y");
  EXPECT_EQ(
      received(with(
          "buffer t = %t: float32[4, 4]\n",
          "%v: float32[4, 4] = aten.mm.default(self=%t, mat2=%t)")),
      "h v -> y");
  EXPECT_EQ(
      received(with(
          "buffer t = %t: float32[4, 4]\n",
          "%c: float32[4, 4] = aten.cos.default(self=%t) @ a\n"
          "%v: float32[4, 4] = aten.add_.Tensor(self=%c, other=1) "
          "!writes(%c) !aliases(%v = %c)")),
      "h v -> y");
}

TEST(Rematerialise, NotWhatReadsABufferThatIsWritten) {
  const std::string text = R"(
module a type(A)
module b type(B)
module c type(C)
input ids = %ids: int64[4]
buffer count = %count: int64[]
%h: float32[4] grad = my.op.default(self=%ids) @ a
%d: int64[] = aten.add_.Tensor(self=%count, other=1) @ a !writes(%count) !aliases(%d = %count)
%v: int64[] = aten.mul.Tensor(self=%count, other=2) @ b
%i: float32[4] grad = my.op.default(self=%h) @ b
%y: float32[4] grad = my.op.default(self=%i, other=%v) @ c
output y = %y
)";
  EXPECT_EQ(flow_of(split(text, {"c"}).manifest.stages[1]), "v i -> y");
  EXPECT_EQ(try_all_cuts(text), "");
}

TEST(Rematerialise, NotChainsOfHundredsOfNodes) {
  std::string text =
      "module a type(A)\nmodule b type(B)\ninput ids = %v0: int64[4]\n"
      "%h: float32[4] grad = my.op.default(self=%v0) @ a\n";
  for (int i = 1; i <= 201; ++i) {
    text += "%v" + std::to_string(i) + ": int64[4] = aten.neg.default(self=%v" +
            std::to_string(i - 1) + ") @ a\n";
  }
  const auto read = [&](int i) {
    return text + "%y: float32[4] grad = my.op.default(self=%h, other=%v" +
           std::to_string(i) + ") @ b\noutput y = %y\n";
  };
  EXPECT_EQ(received(read(200)), "h [ids] -> y");
  EXPECT_EQ(received(read(201)), "h v201 -> y");
}

}  // namespace
}  // namespace pp
