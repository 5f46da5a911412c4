#include "runtime/data/data_loader.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/archive/safetensors.h"
#include "loader/core/error.h"
#include "tests/data/data_files.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

using test::counting;
using test::input;
using test::put_npy;
using test::source;
using test::TempFolder;
using test::text_of;
using test::windows;

constexpr auto kFloat = ir::ScalarType::Float;
constexpr auto kLong = ir::ScalarType::Long;

DataLoaderOptions options(
    const DataConfig& data,
    std::vector<InputSpec> inputs,
    int microbatches = 1,
    uint64_t seed = 0) {
  DataLoaderOptions options;
  options.plan = plan_batch(data, microbatches, inputs);
  options.inputs = std::move(inputs);
  options.seed = seed;
  return options;
}

DataConfig in_order(int64_t batch_size) {
  DataConfig data;
  data.batch_size = batch_size;
  data.shuffle = false;
  return data;
}

/// Configures an input x of `n` rows, each of which is its own index.
DataConfig numbered(const TempFolder& folder, int64_t n, int64_t batch_size) {
  DataConfig data = in_order(batch_size);
  data.inputs["x"] =
      source(put_npy(folder, "x.npy", "<i8", {n}, counting<int64_t>(n)));
  return data;
}

/// Configures windows of 4 out of `n` tokens, each with the next token as
/// target.
DataConfig next_tokens(
    const TempFolder& folder, int64_t n, int64_t batch_size) {
  const std::string path =
      put_npy(folder, "t.npy", "|u1", {n}, counting<uint8_t>(n));
  DataConfig data = in_order(batch_size);
  data.inputs["ids"] = windows(path, 4);
  data.target = windows(path, 4, 1);
  return data;
}

const InputSpec kNumber = input("x", kLong, {"s0"});

/// Returns the rows of every microbatch of a step: "0 1|2 3".
std::string rows_of(const DataLoader& loader, int64_t step) {
  std::string text;
  for (const Microbatch& mb : loader.step(step)) {
    const std::string rows = text_of(mb.inputs.at("x"));
    text += (text.empty() ? "" : "|") + rows.substr(rows.find(' ') + 1);
  }
  return text;
}

TEST(DataLoader, SplitsABatchIntoMicrobatches) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 14, 7);
  const DataLoader loader(data, options(data, {kNumber}, 3));
  EXPECT_EQ(loader.num_rows(), 14);
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  EXPECT_EQ(rows_of(loader, 0), "0 1 2|3 4|5 6");
  EXPECT_EQ(rows_of(loader, 1), "7 8 9|10 11|12 13");
  EXPECT_EQ(rows_of(loader, 2), "0 1 2|3 4|5 6");
  const std::vector<Microbatch> step = loader.step(0);
  EXPECT_EQ(step[0].num_rows, 3);
  EXPECT_EQ(step[2].num_rows, 2);
  EXPECT_EQ(step[2].index, 2);
  EXPECT_FALSE(step[0].target.defined());
}

TEST(DataLoader, TheLastPartialBatchIsUsed) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 11, 4);
  const DataLoader loader(data, options(data, {kNumber}, 2));
  EXPECT_EQ(loader.steps_per_epoch(), 3);
  EXPECT_EQ(rows_of(loader, 2), "8 9|10");
  EXPECT_EQ(rows_of(loader, 3), "0 1|2 3");
  EXPECT_TRUE(loader.notices().empty());
}

TEST(DataLoader, TheLastPartialBatchIsDroppedIfAsked) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 11, 4);
  data.drop_last = true;
  const DataLoader loader(data, options(data, {kNumber}, 2));
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  EXPECT_EQ(rows_of(loader, 2), "0 1|2 3");
  EXPECT_TRUE(loader.notices().empty());
}

TEST(DataLoader, ABatchThatIsShorterThanItsMicrobatchesIsDroppedOrKept) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 10, 4);
  DataLoaderOptions training = options(data, {kNumber}, 4);
  const DataLoader dropped(data, training);
  EXPECT_EQ(dropped.steps_per_epoch(), 2);
  EXPECT_EQ(
      dropped.notices(),
      std::vector<std::string>{
          "the last 2 of 10 rows of each epoch are left out: each "
          "microbatch needs a row"});

  training.keep_short_batch = true;
  const DataLoader kept(data, training);
  EXPECT_EQ(kept.steps_per_epoch(), 3);
  EXPECT_EQ(kept.num_microbatches(1), 4);
  EXPECT_EQ(kept.num_microbatches(2), 2);
  EXPECT_EQ(rows_of(kept, 2), "8|9");
}

TEST(DataLoader, AFixedBatchDropsThePartialBatch) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 11, 4);
  const DataLoader loader(data, options(data, {input("x", kLong, {"2"})}, 2));
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  EXPECT_EQ(
      loader.notices(),
      std::vector<std::string>{
          "the last 3 of 11 rows of each epoch are left out: the model was "
          "exported with a fixed batch"});
}

TEST(DataLoader, ShufflesEachEpochAndResumesAnywhere) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 20, 4);
  data.shuffle = true;
  const DataLoader loader(data, options(data, {kNumber}, 2, 5));
  std::map<int64_t, std::vector<int64_t>> epochs;
  for (int64_t step = 0; step < 10; ++step) {
    for (const int64_t row : loader.rows(step)) {
      epochs[step / 5].push_back(row);
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto& [epoch, rows] : epochs) {
    EXPECT_FALSE(std::ranges::is_sorted(rows));
    std::ranges::sort(rows);
    EXPECT_EQ(rows, counting<int64_t>(20));
  }
  const DataLoader resumed(data, options(data, {kNumber}, 2, 5));
  EXPECT_EQ(rows_of(resumed, 7), rows_of(loader, 7));
  EXPECT_EQ(resumed.order_text(), loader.order_text());
  const DataLoader other(data, options(data, {kNumber}, 2, 6));
  EXPECT_NE(rows_of(other, 7), rows_of(loader, 7));
  EXPECT_NE(other.order_text(), loader.order_text());
}

TEST(DataLoader, RowsOfAllSourcesBelongTogether) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 20, 4);
  data.shuffle = true;
  data.inputs["y"] =
      source(put_npy(folder, "y.npy", "<f4", {20, 2}, counting<float>(40)));
  data.target =
      source(put_npy(folder, "t.npy", "|u1", {20}, counting<uint8_t>(20)));
  const DataLoader loader(
      data, options(data, {kNumber, input("y", kFloat, {"s0", "2"})}, 2));
  for (const Microbatch& mb : loader.step(3)) {
    const at::Tensor& x = mb.inputs.at("x");
    EXPECT_TRUE(mb.target.equal(x));
    EXPECT_EQ(mb.target.scalar_type(), at::kLong);
    EXPECT_EQ(
        text_of(mb.inputs.at("y").select(1, 1)), text_of(x.mul(2).add(1)));
  }
}

TEST(DataLoader, CutsWindowsFromASequence) {
  const TempFolder folder;
  const DataConfig data = next_tokens(folder, 13, 2);
  const DataLoader loader(
      data, options(data, {input("ids", kLong, {"s0", "4"})}));
  EXPECT_EQ(loader.num_rows(), 3);
  const Microbatch first = loader.step(0).at(0);
  EXPECT_EQ(first.inputs.at("ids").scalar_type(), at::kLong);
  EXPECT_EQ(text_of(first.inputs.at("ids")), "[2, 4] 0 1 2 3 4 5 6 7");
  EXPECT_EQ(text_of(first.target), "[2, 4] 1 2 3 4 5 6 7 8");
  EXPECT_EQ(text_of(loader.step(1).at(0).target), "[1, 4] 9 10 11 12");
}

// Otherwise the last window of the inputs would have no target.
TEST(DataLoader, TheLargestShiftLimitsTheNumberOfWindows) {
  const TempFolder folder;
  DataConfig data = next_tokens(folder, 12, 1);
  const InputSpec ids = input("ids", kLong, {"s0", "4"});
  EXPECT_EQ(DataLoader(data, options(data, {ids})).num_rows(), 2);
  data.target.reset();
  EXPECT_EQ(DataLoader(data, options(data, {ids})).num_rows(), 3);
}

TEST(DataLoader, WindowsMayOverlap) {
  const TempFolder folder;
  DataConfig data = in_order(2);
  data.inputs["ids"] =
      windows(put_npy(folder, "t.npy", "<i4", {9}, counting<int32_t>(9)), 4);
  data.inputs["ids"].stride = 2;
  const DataLoader loader(
      data, options(data, {input("ids", kLong, {"s0", "4"})}));
  EXPECT_EQ(loader.num_rows(), 3);
  EXPECT_EQ(
      text_of(loader.step(0).at(0).inputs.at("ids")), "[2, 4] 0 1 2 3 2 3 4 5");
}

TEST(DataLoader, FilesOfAPatternAreOneSource) {
  const TempFolder folder;
  put_npy(folder, "b-0.npy", "<i8", {3}, std::vector<int64_t>{0, 1, 2});
  put_npy(folder, "b-1.npy", "<i8", {1}, std::vector<int64_t>{3});
  put_npy(folder, "b-2.npy", "<i8", {2}, std::vector<int64_t>{4, 5});
  DataConfig data = in_order(4);
  data.inputs["x"] = source((folder / "b-*.npy").string());
  const DataLoader loader(data, options(data, {kNumber}, 2));
  EXPECT_EQ(rows_of(loader, 0), "0 1|2 3");
  EXPECT_EQ(rows_of(loader, 1), "4|5");
}

TEST(DataLoader, SplitsAlongAnotherDimension) {
  const TempFolder folder;
  DataConfig data = in_order(3);
  data.inputs["x"] =
      source(put_npy(folder, "x.npy", "<f4", {2, 6, 2}, counting<float>(24)));
  data.inputs["x"].split_dim = 1;
  const DataLoader loader(
      data, options(data, {input("x", kFloat, {"2", "s0", "2"})}, 2));
  EXPECT_EQ(loader.num_rows(), 6);
  const std::vector<Microbatch> step = loader.step(1);
  EXPECT_EQ(step[0].num_rows, 2);
  EXPECT_EQ(text_of(step[0].inputs.at("x")), "[2, 2, 2] 6 7 8 9 18 19 20 21");
  EXPECT_EQ(text_of(step[1].inputs.at("x")), "[2, 1, 2] 10 11 22 23");
  EXPECT_TRUE(step[0].inputs.at("x").is_contiguous());
}

TEST(DataLoader, GivesAWholeTensorToEveryMicrobatch) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 4, 4);
  data.inputs["mask"] = source(put_npy(
      folder, "m.npy", "|b1", {2, 2}, std::vector<uint8_t>{1, 0, 2, 1}));
  data.inputs["mask"].split_dim.reset();
  const DataLoader loader(
      data,
      options(
          data, {kNumber, input("mask", ir::ScalarType::Bool, {"2", "2"})}, 2));
  for (const Microbatch& mb : loader.step(0)) {
    EXPECT_EQ(mb.inputs.at("mask").scalar_type(), at::kBool);
    EXPECT_EQ(text_of(mb.inputs.at("mask")), "[2, 2] 1 0 1 1");
  }
}

TEST(DataLoader, MicrobatchesShareNoMemory) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 4, 4);
  const DataLoader loader(data, options(data, {kNumber}, 2));
  std::vector<Microbatch> step = loader.step(0);
  step[0].inputs.at("x").fill_(9);
  EXPECT_EQ(text_of(step[1].inputs.at("x")), "[2] 2 3");
  EXPECT_EQ(rows_of(loader, 0), "0 1|2 3");
}

TEST(DataLoader, ReadsOnlyWhatIsWanted) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 4, 4);
  data.inputs["y"] =
      source(put_npy(folder, "y.npy", "<f4", {4}, counting<float>(4)));
  data.target = data.inputs["y"];
  DataLoaderOptions wanted =
      options(data, {kNumber, input("y", kFloat, {"s0"})}, 2);
  wanted.wanted = std::set<std::string>{"y"};
  wanted.wants_target = false;
  const Microbatch mb = DataLoader(data, wanted).step(0).at(0);
  EXPECT_EQ(mb.inputs.size(), 1U);
  EXPECT_TRUE(mb.inputs.contains("y"));
  EXPECT_FALSE(mb.target.defined());
  EXPECT_EQ(mb.num_rows, 2);
}

TEST(DataLoader, ReadsEveryKindOfFile) {
  const TempFolder folder;
  const std::string files =
      (test::project_folder() / "tests/data/files/").string();
  DataConfig data = in_order(2);
  data.inputs["dict"] = source(files + "dict.pt");
  data.inputs["dict"].key = "ids";
  data.inputs["tensor"] = source(files + "tensor.pt");
  const std::vector<double> values = {0.5, 1.5, 2.5, 3.5};
  write_safetensors(
      folder / "s.safetensors",
      {{"a", {ir::ScalarType::Double, {4}, std::as_bytes(std::span(values))}},
       {"b",
        {ir::ScalarType::Double,
         {2},
         std::as_bytes(std::span(values).first(2))}}});
  data.inputs["safe"] = source((folder / "s.safetensors").string());
  data.inputs["safe"].key = "a";
  const std::vector<uint16_t> raw = {1, 2, 3, 4, 5, 6, 7, 65535};
  data.inputs["raw"] = source(
      folder
          .put(
              "raw.bin",
              std::string(
                  reinterpret_cast<const char*>(raw.data()), raw.size() * 2))
          .string());
  data.inputs["raw"].dtype = ir::ScalarType::UInt16;
  data.inputs["raw"].shape = {2};
  const DataLoader loader(
      data,
      options(
          data,
          {input("dict", ir::ScalarType::Int, {"s0", "2"}),
           input("tensor", kFloat, {"s0", "3"}),
           input("safe", kFloat, {"s0"}),
           input("raw", kLong, {"s0", "2"})}));
  const auto inputs = loader.step(1).at(0).inputs;
  EXPECT_EQ(text_of(inputs.at("dict")), "[2, 2] 4 5 6 7");
  EXPECT_EQ(inputs.at("dict").scalar_type(), at::kInt);
  EXPECT_EQ(text_of(inputs.at("tensor")), "[2, 3] 6 7 8 9 10 11");
  EXPECT_EQ(text_of(inputs.at("safe")), "[2] 2.5 3.5");
  EXPECT_EQ(inputs.at("safe").scalar_type(), at::kFloat);
  EXPECT_EQ(text_of(inputs.at("raw")), "[2, 2] 5 6 7 65535");
}

TEST(DataLoader, AFloatingPointTargetKeepsItsType) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 4, 4);
  data.target =
      source(put_npy(folder, "y.npy", "<f8", {4}, counting<double>(4)));
  const Microbatch mb =
      DataLoader(data, options(data, {kNumber})).step(0).at(0);
  EXPECT_EQ(mb.target.scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace pp
