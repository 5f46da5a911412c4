#include "runtime/data/merge_outputs.h"

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include "loader/archive/safetensors.h"
#include "tests/archive/expect_error.h"
#include "tests/data/data_files.h"

namespace pp {
namespace {

using test::expect_error;
using test::text_of;

OutputRule rule(Join join, int64_t dimension = 0) {
  return {.join = join, .dimension = dimension};
}

/// Two microbatches of 3 and 1 rows.
std::string merged(
    const std::map<std::string, OutputRule>& rules,
    const at::Tensor& first,
    const at::Tensor& second) {
  OutputMerger merger(rules);
  merger.add("y", 0, 1, 1, second);  // the order of arrival does not matter
  merger.add("y", 0, 0, 3, first);
  return text_of(merger.merge().at("y"));
}

at::Tensor range(int64_t begin, int64_t end) {
  return at::arange(begin, end, at::kFloat);
}

template <typename Element>
at::Tensor scalar(Element value) {
  return at::tensor({value}).squeeze(0);
}

TEST(MergeOutputs, ConcatenatesRowsByDefault) {
  EXPECT_EQ(
      merged({}, range(0, 6).view({3, 2}), range(6, 8).view({1, 2})),
      "[4, 2] 0 1 2 3 4 5 6 7");
}

TEST(MergeOutputs, KeepsTheOrderOfSteps) {
  OutputMerger merger({});
  for (const int step : {1, 0, 2}) {
    for (const int microbatch : {1, 0}) {
      merger.add(
          "y", step, microbatch, 1, at::full({1}, 10 * step + microbatch));
    }
  }
  EXPECT_EQ(text_of(merger.merge().at("y")), "[6] 0 1 10 11 20 21");
}

TEST(MergeOutputs, AScalarsMeanIsWeightedByRows) {
  EXPECT_EQ(merged({}, scalar(1.0F), scalar(5.0F)), "[] 2");
}

TEST(MergeOutputs, JoinsAlongAnotherDimension) {
  const at::Tensor first = range(0, 6).view({2, 3});
  const at::Tensor second = range(6, 8).view({2, 1});
  const std::string joined = "[2, 4] 0 1 2 6 3 4 5 7";
  EXPECT_EQ(merged({{"y", rule(Join::Dimension, 1)}}, first, second), joined);
  EXPECT_EQ(merged({{"y", rule(Join::Dimension, -1)}}, first, second), joined);
}

TEST(MergeOutputs, JoinsByRule) {
  const at::Tensor first = range(0, 2);
  const at::Tensor second = range(4, 6);
  EXPECT_EQ(merged({{"y", rule(Join::Mean)}}, first, second), "[2] 1 2");
  EXPECT_EQ(merged({{"y", rule(Join::Sum)}}, first, second), "[2] 4 6");
  EXPECT_EQ(
      merged({{"y", rule(Join::Stack)}}, first, second), "[2, 2] 0 1 4 5");
  EXPECT_EQ(merged({{"y", rule(Join::Same)}}, first, first), "[2] 0 1");
}

TEST(MergeOutputs, SumsIntegersExactly) {
  const int64_t large = (int64_t{1} << 53) + 1;
  OutputMerger merger({{"y", rule(Join::Sum)}});
  merger.add("y", 0, 0, 1, scalar(large));
  merger.add("y", 0, 1, 1, scalar(int64_t{1}));
  EXPECT_EQ(merger.merge().at("y").item<int64_t>(), large + 1);
}

TEST(MergeOutputs, ReducesEachMicrobatch) {
  const at::Tensor value =
      at::tensor({1.0F, 3.0F, 2.0F, 9.0F, 0.0F, 4.0F}).view({1, 2, 3});
  EXPECT_EQ(
      merged({{"y", {.reduce = Reduce::Argmax}}}, value, value),
      "[2, 2] 1 0 1 0");
  EXPECT_EQ(
      merged({{"y", {.reduce = Reduce::Last}}}, value, value),
      "[2, 3] 9 0 4 9 0 4");
}

TEST(MergeOutputs, KeepsACopy) {
  at::Tensor value = range(0, 2).requires_grad_();
  OutputMerger merger({});
  merger.add("y", 0, 0, 2, value);
  value.detach().fill_(7);
  const at::Tensor kept = merger.merge().at("y");
  EXPECT_EQ(text_of(kept), "[2] 0 1");
  EXPECT_FALSE(kept.requires_grad());
}

TEST(MergeOutputs, WritesOneFile) {
  const test::TempFolder folder;
  write_outputs(
      folder / "outputs.safetensors",
      {{"a", range(0, 6).view({2, 3}).t()}, {"b", scalar(int64_t{7})}});
  const SafetensorsReader reader(folder / "outputs.safetensors");
  const TensorView& a = reader.find("a");
  EXPECT_EQ(a.sizes, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(reinterpret_cast<const float*>(a.bytes.data())[1], 3.0F);
  EXPECT_EQ(reader.find("b").dtype, ir::ScalarType::Long);
  EXPECT_EQ(folder.names(), "outputs.safetensors ");
}

// Errors.

TEST(MergeOutputs, ShapesThatCannotBeJoined) {
  expect_error(
      ErrorKind::Usage,
      "output y can't be joined along dimension 0: microbatches have shapes "
      "[3, 2] and [3, 3]; choose another by output.outputs.y.join (a "
      "dimension, \"mean\", \"sum\", \"stack\" or \"same\")",
      [] {
        merged({}, range(0, 6).view({3, 2}), range(0, 9).view({3, 3}));
      });
  expect_error(ErrorKind::Usage, "microbatches have shapes [2] and [3]", [] {
    merged({{"y", rule(Join::Sum)}}, range(0, 2), range(0, 3));
  });
}

TEST(MergeOutputs, NoSuchDimension) {
  expect_error(
      ErrorKind::Usage,
      "output.outputs.y.join = 1: the output has shape [2], no such dimension",
      [] {
        merged({{"y", rule(Join::Dimension, 1)}}, range(0, 2), range(0, 2));
      });
}

TEST(MergeOutputs, ValuesThatAreNotTheSame) {
  expect_error(
      ErrorKind::Usage,
      "output y differs between microbatches; choose another join than "
      "\"same\" by output.outputs.y.join",
      [] {
        merged({{"y", rule(Join::Same)}}, range(0, 2), range(1, 3));
      });
}

TEST(MergeOutputs, NothingToReduce) {
  expect_error(
      ErrorKind::Usage,
      "output.outputs.y.reduce = \"last\": the output has shape [2], no "
      "entries along dimension 1",
      [] {
        merged({{"y", {.reduce = Reduce::Last}}}, range(0, 2), range(0, 2));
      });
}

TEST(MergeOutputs, MeanOfIntegers) {
  expect_error(
      ErrorKind::Usage, "output y holds integers, which have no mean", [] {
        merged({}, scalar(int64_t{1}), scalar(int64_t{2}));
      });
}

}  // namespace
}  // namespace pp
