// Tests rows of different lengths and their padding.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "loader/core/error.h"
#include "runtime/data/data_loader.h"
#include "runtime/data/prefetch.h"
#include "tests/data/data_files.h"

namespace pp {
namespace {

using test::counting;
using test::input;
using test::put_npy;
using test::source;
using test::TempFolder;
using test::text_of;

constexpr auto kLong = ir::ScalarType::Long;

class Rows : public ::testing::Test {
 protected:
  /// Writes the rows 0 1 2 | 3 | 4 5 | 6 7 8 9, one after the other.
  void SetUp() override {
    data_.batch_size = 2;
    data_.shuffle = false;
    lengths_ = put_npy<int64_t>(folder_, "n.npy", "<i8", {4}, {3, 1, 2, 4});
    SourceConfig x =
        source(put_npy(folder_, "x.npy", "<i8", {10}, counting<int64_t>(10)));
    x.lengths = lengths_;
    data_.inputs["x"] = x;
  }

  DataLoader loader(int microbatches = 1) const {
    DataLoaderOptions options;
    for (const auto& [name, source] : data_.inputs) {
      options.inputs.push_back(input(name, kLong, {"s0", "s1"}));
    }
    options.plan = plan_batch(data_, microbatches, options.inputs);
    return {data_, options};
  }

  std::string refusal() const {
    try {
      loader();
    } catch (const Error& error) {
      const std::string text = error.what();
      return text.substr(text.rfind('/') + 1);
    }
    return "nothing was refused";
  }

  TempFolder folder_;
  DataConfig data_;
  std::string lengths_;
};

TEST_F(Rows, ArePaddedToTheLongestOfTheBatch) {
  const DataLoader loader = this->loader();
  EXPECT_EQ(loader.num_rows(), 4);
  EXPECT_EQ(text_of(loader.step(0)[0].inputs.at("x")), "[2, 3] 0 1 2 3 0 0");
  EXPECT_EQ(
      text_of(loader.step(1)[0].inputs.at("x")), "[2, 4] 4 5 0 0 6 7 8 9");
}

TEST_F(Rows, HaveOneLengthInAllMicrobatchesOfAStep) {
  const auto step = loader(2).step(0);
  EXPECT_EQ(text_of(step[0].inputs.at("x")), "[1, 3] 0 1 2");
  EXPECT_EQ(text_of(step[1].inputs.at("x")), "[1, 3] 3 0 0");
}

TEST_F(Rows, ArePaddedToALengthOrToTheNextBucket) {
  data_.inputs["x"].pad_to = {5};
  data_.inputs["x"].pad = 7;
  EXPECT_EQ(
      text_of(loader().step(0)[0].inputs.at("x")),
      "[2, 5] 0 1 2 7 7 3 7 7 7 7");
  data_.inputs["x"].pad_to = {6, 3};
  EXPECT_EQ(loader().step(0)[0].inputs.at("x").size(1), 3);
  EXPECT_EQ(loader().step(1)[0].inputs.at("x").size(1), 6);
}

TEST_F(Rows, MayBeInATable) {
  data_.inputs["x"].path =
      put_npy(folder_, "table.npy", "<i8", {4, 5}, counting<int64_t>(20));
  EXPECT_EQ(text_of(loader().step(0)[0].inputs.at("x")), "[2, 3] 0 1 2 5 0 0");
}

TEST_F(Rows, ATargetIsShiftedAndPaddedWithWhatTheLossIgnores) {
  data_.target = data_.inputs["x"];
  data_.target->shift = 1;
  EXPECT_EQ(
      text_of(loader().step(0)[0].target), "[2, 3] 1 2 -100 -100 -100 -100");
}

TEST_F(Rows, AMaskTellsElementsFromPadding) {
  data_.inputs["mask"].mask = "x";
  EXPECT_EQ(
      text_of(loader().step(0)[0].inputs.at("mask")), "[2, 3] 1 1 1 1 0 0");
}

TEST_F(Rows, AMaskOfAShiftedInputIsShifted) {
  data_.inputs["x"].shift = 1;
  data_.inputs["mask"].mask = "x";
  EXPECT_EQ(text_of(loader().step(0)[0].inputs.at("x")), "[2, 3] 1 2 0 0 0 0");
  EXPECT_EQ(
      text_of(loader().step(0)[0].inputs.at("mask")), "[2, 3] 1 1 0 0 0 0");
}

TEST_F(Rows, AMaskIsAsLargeAsItsInput) {
  data_.inputs["mask"].mask = "x";
  DataLoaderOptions options;
  options.inputs = {
      input("mask", kLong, {"s0", "1", "1", "s1"}),
      input("x", kLong, {"s0", "s1"})};
  options.plan = plan_batch(data_, 1, options.inputs);
  EXPECT_THROW(DataLoader(data_, options), Error);
}

TEST_F(Rows, ShorterThanTheModelNeedsAreRefused) {
  DataLoaderOptions options;
  options.inputs = {input("x", kLong, {"s0", "s1"})};
  options.inputs[0].ranges["s1"] = {4, 16};
  options.plan = plan_batch(data_, 1, options.inputs);
  const DataLoader loader(data_, options);
  EXPECT_NO_THROW(loader.step(1));
  try {
    loader.step(0);
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "x: the longest row of batch 0 has 3 elements, but the model needs at "
        "least 4; set pad_to to at least 4");
  }
}

TEST_F(Rows, APadThatIsNotAnIntegerIsRefused) {
  data_.inputs["x"].pad = 0.5;
  EXPECT_EQ(
      refusal(),
      "data.inputs.x.pad must be an integer, because the rows are int64");
}

TEST_F(Rows, InvalidLengthsAreRefused) {
  const auto with = [&](const std::vector<int64_t>& lengths) {
    data_.inputs["x"].lengths =
        put_npy(folder_, "bad.npy", "<i8", {std::ssize(lengths)}, lengths);
    return refusal();
  };
  EXPECT_EQ(with({3, 1, 2}), "x.npy has 10 elements");
  EXPECT_EQ(with({3, -1, 4, 4}), "bad.npy), which is negative");
  EXPECT_EQ(with({3, 1, 2, 5}), "bad.npy), but only 4 elements are left");
  data_.inputs["x"].pad_to = {3};
  EXPECT_EQ(with({3, 1, 2, 4}), "bad.npy), more than pad_to = 3");
  data_.inputs["x"].lengths =
      put_npy<float>(folder_, "float.npy", "<f4", {1}, {10});
  EXPECT_EQ(
      refusal(),
      "float.npy: lengths must be a list of integers, but this is float32[1]");
}

TEST_F(Rows, AFloatingPointTargetNeedsAPad) {
  data_.target =
      source(put_npy(folder_, "y.npy", "<f4", {10}, counting<float>(10)));
  data_.target->lengths = lengths_;
  EXPECT_EQ(
      refusal(),
      "y.npy holds floating-point numbers, for which pad has no default; set "
      "pad to the number that fills short rows");
  data_.target->pad = 0.5;
  EXPECT_EQ(text_of(loader().step(0)[0].target), "[2, 3] 0 1 2 3 0.5 0.5");
}

TEST(Prefetch, GivesTheStepsInAnyOrder) {
  std::vector<int64_t> read;
  const auto load = [&](int64_t step) {
    read.push_back(step);  // one at a time
    return std::vector<Microbatch>(static_cast<size_t>(step + 1));
  };
  Prefetch rows(load, 3);
  for (const int64_t step : {0, 1, 2, 0, 2}) {
    EXPECT_EQ(std::ssize(rows.take(step)), step + 1);
  }
  EXPECT_EQ(read, (std::vector<int64_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Prefetch, DoesNotChangeTheNumberOfThreadsOfOthers) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  Prefetch rows([](int64_t) { return std::vector<Microbatch>(1); }, 3);
  rows.take(0);
  rows.take(1);
  int num_threads = 0;
  std::thread([&] { num_threads = at::get_num_threads(); }).join();
  EXPECT_EQ(num_threads, 2);
  at::set_num_threads(before);
}

TEST(Prefetch, ThrowsAnErrorWithItsStep) {
  Prefetch rows(
      [](int64_t step) {
        return step == 1 ? throw input_error("row 7")
                         : std::vector<Microbatch>(1);
      },
      3);
  EXPECT_EQ(rows.take(0).size(), 1U);
  EXPECT_THROW(rows.take(1), Error);
  EXPECT_EQ(rows.take(2).size(), 1U);
}

}  // namespace
}  // namespace pp
