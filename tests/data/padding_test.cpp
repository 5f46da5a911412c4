// The last microbatch of an inference or evaluation with a fixed batch.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/data/data_loader.h"
#include "tests/data/data_files.h"

namespace pp {
namespace {

using test::counting;
using test::input;
using test::put_npy;
using test::source;
using test::TempFolder;
using test::text_of;

/// Configures an input x of `n` rows, each of which is its own index.
DataConfig numbered(const TempFolder& folder, int64_t n, int64_t batch_size) {
  DataConfig data;
  data.batch_size = batch_size;
  data.shuffle = false;
  data.inputs["x"] =
      source(put_npy(folder, "x.npy", "<i8", {n}, counting<int64_t>(n)));
  return data;
}

/// The options of an inference in microbatches of `fixed` rows.
DataLoaderOptions padded(
    const DataConfig& data, const std::string& fixed, int microbatches) {
  DataLoaderOptions out;
  out.inputs = {input("x", ir::ScalarType::Long, {fixed})};
  out.plan = plan_batch(data, microbatches, out.inputs);
  out.keep_short_batch = true;
  out.pads_fixed_batch = true;
  return out;
}

/// Returns the rows of every microbatch of a step: "0 1|2 3".
std::string rows_of(const DataLoader& loader, int64_t step) {
  std::string text;
  for (const Microbatch& mb : loader.step(step)) {
    const std::string rows = text_of(mb.inputs.at("x"));
    text += (text.empty() ? "" : "|") + rows.substr(rows.find(' ') + 1);
  }
  return text;
}

/// "own+padding" of each microbatch.
std::string counts_of(const DataLoader& loader, int64_t step) {
  std::string out;
  for (const Microbatch& each : loader.step(step)) {
    out += std::to_string(each.num_rows) + "+" +
           std::to_string(each.num_padding) + " ";
  }
  return out;
}

TEST(Padding, AFixedBatchIsFilledWithCopiesOfTheLastRow) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 11, 4);
  const DataLoader loader(data, padded(data, "2", 2));
  EXPECT_EQ(loader.steps_per_epoch(), 3);
  EXPECT_EQ(rows_of(loader, 1), "4 5|6 7");
  EXPECT_EQ(rows_of(loader, 2), "8 9|10 10");
  EXPECT_EQ(counts_of(loader, 1), "2+0 2+0 ");
  EXPECT_EQ(counts_of(loader, 2), "2+0 1+1 ");
  EXPECT_EQ(loader.rows(2), (std::vector<int64_t>{8, 9, 10}));
  EXPECT_TRUE(loader.notices().empty());
  EXPECT_TRUE(loader.pads());

  data.drop_last = true;
  const DataLoader dropped(data, padded(data, "2", 2));
  EXPECT_EQ(dropped.steps_per_epoch(), 2);
  EXPECT_FALSE(dropped.pads());
}

TEST(Padding, AFixedBatchHasNoMicrobatchOfPaddingAlone) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 9, 8);
  const DataLoader loader(data, padded(data, "2", 4));
  EXPECT_EQ(loader.num_microbatches(0), 4);
  EXPECT_EQ(loader.num_microbatches(1), 1);
  EXPECT_EQ(rows_of(loader, 1), "8 8");

  const DataConfig few = numbered(folder, 3, 8);
  const DataLoader short_one(few, padded(few, "4", 2));
  EXPECT_EQ(short_one.steps_per_epoch(), 1);
  EXPECT_EQ(rows_of(short_one, 0), "0 1 2 2");

  const DataConfig whole = numbered(folder, 10, 4);
  const DataLoader whole_microbatches(whole, padded(whole, "2", 2));
  EXPECT_EQ(rows_of(whole_microbatches, 2), "8 9");
  EXPECT_FALSE(whole_microbatches.pads());
}

TEST(Padding, TheTargetHasNoPaddingRows) {
  const TempFolder folder;
  DataConfig data = numbered(folder, 11, 4);
  data.target =
      source(put_npy(folder, "y.npy", "<i8", {11}, counting<int64_t>(11)));
  const DataLoader loader(data, padded(data, "2", 2));
  EXPECT_EQ(rows_of(loader, 2), "8 9|10 10");
  const std::vector<Microbatch> last = loader.step(2);
  EXPECT_EQ(last.at(0).target.numel(), 2);
  ASSERT_EQ(last.at(1).target.numel(), 1);
  EXPECT_EQ(last.at(1).target.item<int64_t>(), 10);
}

TEST(Padding, APaddingTrialIsTheLastMicrobatchTwice) {
  const TempFolder folder;
  const DataConfig data = numbered(folder, 11, 8);
  DataLoaderOptions trial = padded(data, "4", 2);
  trial.is_padding_trial = true;
  const DataLoader loader(data, trial);
  EXPECT_EQ(loader.steps_per_epoch(), 1);
  EXPECT_EQ(loader.own_microbatches(0), (std::pair<int, int>{0, 2}));
  EXPECT_EQ(rows_of(loader, 0), "8 9 10 10|8 9 10 0");
  EXPECT_EQ(counts_of(loader, 0), "3+1 3+1 ");

  const DataConfig one = numbered(folder, 11, 4);
  DataLoaderOptions one_trial = padded(one, "4", 1);
  one_trial.is_padding_trial = true;
  const DataLoader single(one, one_trial);
  EXPECT_EQ(single.own_microbatches(0), (std::pair<int, int>{0, 2}));
  EXPECT_EQ(rows_of(single, 0), "8 9 10 10|8 9 10 0");
}

}  // namespace
}  // namespace pp
