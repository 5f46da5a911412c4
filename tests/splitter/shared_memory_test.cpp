// Parameters that are views of one storage: a tie by transpose, slices.
#include "loader/model/shared_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/ir/text.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::split;
using test::split_error;
using test::states_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ir::TensorMeta tensor(
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides,
    int64_t offset = 0,
    ir::ScalarType dtype = ir::ScalarType::Float) {
  ir::TensorMeta out;
  out.dtype = dtype;
  for (size_t i = 0; i < sizes.size(); ++i) {
    out.sizes.push_back({sizes[i], {}});
    out.strides.push_back({strides[i], {}});
  }
  out.storage_offset.value = offset;
  return out;
}

TEST(SharedMemory, OverlapsWhereTwoTensorsHaveAnElementInCommon) {
  const ir::TensorMeta whole = tensor({4, 6}, {6, 1});
  EXPECT_TRUE(may_overlap(whole, tensor({6, 4}, {1, 6})));
  EXPECT_TRUE(may_overlap(whole, tensor({24}, {1})));
  EXPECT_TRUE(may_overlap(whole, tensor({4}, {6}, 5)));
  EXPECT_TRUE(may_overlap(whole, tensor({}, {}, 23)));
  EXPECT_FALSE(may_overlap(whole, tensor({}, {}, 24)));
  EXPECT_FALSE(may_overlap(whole, tensor({0, 4}, {4, 1})));
  const ir::TensorMeta left = tensor({4, 3}, {6, 1});
  EXPECT_FALSE(may_overlap(left, tensor({4, 3}, {6, 1}, 3)));
  EXPECT_TRUE(may_overlap(left, tensor({4, 4}, {6, 1}, 2)));
  EXPECT_FALSE(may_overlap(left, tensor({4}, {6}, 5)));
  EXPECT_FALSE(may_overlap(left, tensor({3, 4}, {1, 6}, 3)));
  const ir::TensorMeta even = tensor({12}, {2});
  EXPECT_FALSE(may_overlap(even, tensor({12}, {2}, 1)));
  EXPECT_TRUE(may_overlap(even, tensor({3, 1}, {8, 1}, 4)));
  // Diagonals and other types have no description as boxes of one kind.
  EXPECT_TRUE(may_overlap(whole, tensor({4}, {7})));
  EXPECT_TRUE(may_overlap(whole, tensor({2}, {1}, 0, ir::ScalarType::Double)));
}

constexpr const char* kTransposed = R"(
module a type(Linear)
module b type(Linear)
module c type(Linear)
input %x: float32[4, 8]
parameter a.w = %aw: float32[8, 8] grad memory(a.w)
parameter b.w = %bw: float32[8, 8] grad
parameter c.w = %cw: float32[8, 8] strides(1, 8) grad memory(a.w)
%h: float32[4, 8] grad = aten.linear.default(input=%x, weight=%aw) @ a
%k: float32[4, 8] grad = aten.linear.default(input=%h, weight=%bw) @ b
%y: float32[4, 8] grad = aten.linear.default(input=%k, weight=%cw) @ c
output y = %y
)";

TEST(SharedMemory, EveryStageThatReadsAViewHoldsAllOfThem) {
  for (const TiedParameters tied :
       {TiedParameters::Replicate, TiedParameters::Transmit}) {
    const Partition parts = split(kTransposed, {"b", "c"}, {.tied = tied});
    EXPECT_THAT(states_of(parts.stages[0]), ElementsAre("a.w", "c.w"));
    EXPECT_THAT(states_of(parts.stages[1]), ElementsAre("b.w"));
    EXPECT_THAT(states_of(parts.stages[2]), ElementsAre("a.w", "c.w"));
    EXPECT_EQ(parts.stages[2].states[1].memory, "a.w");
    ASSERT_EQ(parts.manifest.tied.size(), 2);
    for (const TiedParameter& each : parts.manifest.tied) {
      EXPECT_THAT(each.stages, ElementsAre(0, 2));
    }
    EXPECT_THAT(
        parts.manifest.stages[2].notes,
        Contains("holds 'a.w', 'c.w', which share memory, so it updates all of "
                 "them"));
  }
}

TEST(SharedMemory, OneStageHasNoTies) {
  EXPECT_THAT(split(kTransposed, {}).manifest.tied, IsEmpty());
}

TEST(SharedMemory, AWriteToASharedStateIsRefused) {
  EXPECT_THAT(
      split_error(
          "module a type(A)\nmodule b type(B)\n"
          "input %x: float32[8]\n"
          "buffer mean = %m: float32[8] memory(mean)\n"
          "buffer half = %h: float32[4] memory(mean)\n"
          "%n: float32[8] = aten.add_.Tensor(self=%m, other=%x) @ a "
          "!writes(%m) !aliases(%n = %m)\n"
          "%y: float32[8] = aten.sin.default(self=%x) @ b\n"
          "output y = %y\n",
          {"b"}),
      HasSubstr("the model writes to 'mean', which shares memory with 'half'"));
}

}  // namespace
}  // namespace pp
