#include "runtime/data/output_writer.h"

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_real.h>

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

/// Returns the output y in the file.
std::string read_y(const std::filesystem::path& path) {
  const SafetensorsReader reader(path);
  const TensorView& view = reader.find("y");
  const at::Tensor value = at::empty(
      view.sizes, at::TensorOptions(static_cast<at::ScalarType>(view.dtype)));
  std::memcpy(value.data_ptr(), view.bytes.data(), view.bytes.size());
  return text_of(value.is_complex() ? at::view_as_real(value) : value);
}

/// Writes an output of two microbatches with 3 and 1 rows, and returns the
/// result.
std::string joined(
    const std::map<std::string, OutputRule>& rules,
    const at::Tensor& first,
    const at::Tensor& second) {
  const test::TempFolder folder;
  OutputWriter writer(folder / "outputs.safetensors", rules);
  writer.add("y", {.own = 3}, first);
  writer.add("y", {.own = 1}, second);
  writer.finish();
  EXPECT_EQ(folder.names(), "outputs.safetensors ");
  return read_y(folder / "outputs.safetensors");
}

at::Tensor range(int64_t begin, int64_t end) {
  return at::arange(begin, end, at::kFloat);
}

template <typename Element>
at::Tensor scalar(Element value) {
  return at::tensor({value}).squeeze(0);
}

TEST(OutputWriter, ConcatenatesRowsByDefault) {
  EXPECT_EQ(
      joined({}, range(0, 6).view({3, 2}), range(6, 8).view({1, 2})),
      "[4, 2] 0 1 2 3 4 5 6 7");
}

// A conjugate is a view of unchanged memory.
TEST(OutputWriter, WritesConjugatesAndNegativesAsTheyRead) {
  const at::Tensor z = at::complex(range(0, 2), range(2, 4));
  EXPECT_EQ(joined({}, z.conj(), z), "[4, 2] 0 -2 1 -3 0 2 1 3");
  EXPECT_EQ(joined({}, at::imag(z.conj()), at::imag(z)), "[4] -2 -3 2 3");
  EXPECT_EQ(
      joined({{"y", rule(Join::Same)}}, z.conj(), z.conj()),
      "[2, 2] 0 -2 1 -3");
}

TEST(OutputWriter, ComplexNumbersHaveAMean) {
  const at::Tensor z = at::complex(scalar(1.0F), scalar(-2.0F));
  EXPECT_EQ(joined({}, z, z.mul(5)), "[2] 2 -4");
}

TEST(OutputWriter, AScalarsMeanIsWeightedByRows) {
  EXPECT_EQ(joined({}, scalar(1.0F), scalar(5.0F)), "[] 2");
}

TEST(OutputWriter, JoinsAlongAnotherDimension) {
  const at::Tensor first = range(0, 6).view({2, 3});
  const at::Tensor second = range(6, 8).view({2, 1});
  const std::string expected = "[2, 4] 0 1 2 6 3 4 5 7";
  EXPECT_EQ(joined({{"y", rule(Join::Dimension, 1)}}, first, second), expected);
  EXPECT_EQ(
      joined({{"y", rule(Join::Dimension, -1)}}, first, second), expected);
}

TEST(OutputWriter, JoinsByRule) {
  const at::Tensor first = range(0, 2);
  const at::Tensor second = range(4, 6);
  EXPECT_EQ(joined({{"y", rule(Join::Mean)}}, first, second), "[2] 1 2");
  EXPECT_EQ(joined({{"y", rule(Join::Sum)}}, first, second), "[2] 4 6");
  EXPECT_EQ(
      joined({{"y", rule(Join::Stack)}}, first, second), "[2, 2] 0 1 4 5");
  EXPECT_EQ(joined({{"y", rule(Join::Same)}}, first, first), "[2] 0 1");
}

TEST(OutputWriter, SumsIntegersExactly) {
  const int64_t large = (int64_t{1} << 53) + 1;
  EXPECT_EQ(
      joined({{"y", rule(Join::Sum)}}, scalar(large), scalar(int64_t{1})),
      "[] " + std::to_string(large + 1));
}

TEST(OutputWriter, ReducesEachMicrobatch) {
  const at::Tensor value =
      at::tensor({1.0F, 3.0F, 2.0F, 9.0F, 0.0F, 4.0F}).view({1, 2, 3});
  EXPECT_EQ(
      joined({{"y", {.reduce = Reduce::Argmax}}}, value, value),
      "[2, 2] 1 0 1 0");
  EXPECT_EQ(
      joined({{"y", {.reduce = Reduce::Last}}}, value, value),
      "[2, 3] 9 0 4 9 0 4");
}

TEST(OutputWriter, CopiesValues) {
  const test::TempFolder folder;
  for (const Join join : {Join::Dimension, Join::Same, Join::Sum}) {
    at::Tensor value = range(0, 2).requires_grad_();
    OutputWriter writer(folder / "outputs.safetensors", {{"y", rule(join)}});
    writer.add("y", {.own = 2}, value);
    value.detach().fill_(7);
    writer.finish();
    EXPECT_EQ(read_y(folder / "outputs.safetensors"), "[2] 0 1");
  }
}

// The outputs have 64 MiB, none of which may stay in memory.
TEST(OutputWriter, LeavesOutWhatBelongsToPadding) {
  const test::TempFolder folder;
  const auto padded = [&](const OutputRule& rule, const at::Tensor& value) {
    OutputWriter writer(folder / "outputs.safetensors", {{"y", rule}});
    writer.add("y", {.own = 3}, value);
    writer.add("y", {.own = 2, .padding = 1}, value);
    writer.finish();
    return read_y(folder / "outputs.safetensors");
  };
  EXPECT_EQ(padded({}, range(0, 3)), "[5] 0 1 2 0 1");
  EXPECT_EQ(
      padded(rule(Join::Dimension, 1), range(0, 6).view({2, 3})),
      "[2, 5] 0 1 2 0 1 3 4 5 3 4");
  EXPECT_EQ(
      padded({.reduce = Reduce::Argmax}, range(0, 6).view({3, 2})),
      "[5] 1 1 1 1 1");
  EXPECT_EQ(padded(rule(Join::Same), range(0, 2)), "[2] 0 1");
}

TEST(OutputWriter, SaysWhyPaddingCannotBeCutOff) {
  const RowCount rows{.own = 2, .padding = 1};
  const auto obstacle = [&](const OutputRule& rule, const at::Tensor& value) {
    return try_find_obstacle(rule, value, rows);
  };
  EXPECT_EQ(obstacle({}, range(0, 3)), "");
  EXPECT_EQ(obstacle(rule(Join::Dimension, -1), range(0, 6).view({2, 3})), "");
  EXPECT_EQ(obstacle(rule(Join::Same), range(0, 2)), "");
  EXPECT_EQ(
      obstacle({}, range(0, 6).view({2, 3})),
      "has shape [2, 3], which doesn't have one entry per row along dimension "
      "0");
  const char* const kOneValue = "is one value for all rows of a microbatch";
  EXPECT_EQ(obstacle({}, scalar(1.0F)), kOneValue);
  for (const Join join : {Join::Sum, Join::Mean, Join::Stack}) {
    EXPECT_EQ(obstacle(rule(join), range(0, 3)), kOneValue);
  }
  EXPECT_EQ(try_find_obstacle({}, scalar(1.0F), {.own = 3}), "");
}

TEST(OutputWriter, MemoryDoesNotGrowWithTheNumberOfMicrobatches) {
  const test::TempFolder folder;
  const auto resident = [] {
    std::ifstream status("/proc/self/statm");
    int64_t total = 0;
    int64_t pages = 0;
    status >> total >> pages;
    return pages * 4;  // KiB
  };
  const at::Tensor value = at::full({16, 16384}, 1.0F);  // 1 MiB
  OutputWriter writer(folder / "outputs.safetensors", {});
  writer.add("y", {.own = 16}, value);
  const int64_t before = resident();
  for (int i = 1; i < 64; ++i) {
    writer.add("y", {.own = 16}, value);
  }
  writer.finish();
  EXPECT_LT(resident() - before, 16 << 10);
  const SafetensorsReader reader(folder / "outputs.safetensors");
  EXPECT_EQ(reader.find("y").sizes, (std::vector<int64_t>{1024, 16384}));
}

TEST(OutputWriter, LeavesNothingBehindWhenItIsNotFinished) {
  const test::TempFolder folder;
  {
    OutputWriter writer(folder / "outputs.safetensors", {});
    writer.add("y", {.own = 2}, range(0, 2));
    EXPECT_NE(folder.names(), "");
  }
  EXPECT_EQ(folder.names(), "");
}

TEST(OutputWriter, WritesOneFile) {
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

TEST(OutputWriter, ShapesThatCannotBeJoined) {
  expect_error(
      ErrorKind::Usage,
      "output y can't be joined along dimension 0: microbatches have shapes "
      "[3, 2] and [3, 3]; set output.outputs.y.join to another rule (a "
      "dimension, \"mean\", \"sum\", \"stack\" or \"same\")",
      [] {
        joined({}, range(0, 6).view({3, 2}), range(0, 9).view({3, 3}));
      });
  expect_error(ErrorKind::Usage, "microbatches have shapes [2] and [3]", [] {
    joined({{"y", rule(Join::Sum)}}, range(0, 2), range(0, 3));
  });
}

TEST(OutputWriter, NoSuchDimension) {
  expect_error(
      ErrorKind::Usage,
      "output.outputs.y.join = 1: the output has shape [2], which has no such "
      "dimension",
      [] {
        joined({{"y", rule(Join::Dimension, 1)}}, range(0, 2), range(0, 2));
      });
}

TEST(OutputWriter, ValuesThatAreNotTheSame) {
  expect_error(
      ErrorKind::Usage,
      "output y differs between microbatches; set output.outputs.y.join to "
      "a rule other than \"same\"",
      [] {
        joined({{"y", rule(Join::Same)}}, range(0, 2), range(1, 3));
      });
}

TEST(OutputWriter, NothingToReduce) {
  expect_error(
      ErrorKind::Usage,
      "output.outputs.y.reduce = \"last\": the output has shape [2], but "
      "\"last\" needs entries along dimension 1",
      [] {
        joined({{"y", {.reduce = Reduce::Last}}}, range(0, 2), range(0, 2));
      });
}

TEST(OutputWriter, MeanOfIntegers) {
  expect_error(
      ErrorKind::Usage, "output y holds integers, which have no mean", [] {
        joined({}, scalar(int64_t{1}), scalar(int64_t{2}));
      });
}

}  // namespace
}  // namespace pp
