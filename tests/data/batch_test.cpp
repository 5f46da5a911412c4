#include "runtime/data/batch.h"

#include <gtest/gtest.h>

#include "runtime/data/fit.h"
#include "tests/archive/expect_error.h"
#include "tests/data/data_files.h"

namespace pp {
namespace {

using test::expect_error;
using test::input;

DataConfig config(int64_t batch_size) {
  DataConfig data;
  data.batch_size = batch_size;
  data.inputs["x"] = SourceConfig();
  data.inputs["mask"] = SourceConfig();
  return data;
}

const InputSpec kDynamic = input("x", ir::ScalarType::Float, {"s0", "16"});
const InputSpec kFixed = input("x", ir::ScalarType::Float, {"4", "16"});

TEST(Chunks, TheFirstOnesHaveOneRowMore) {
  EXPECT_EQ(chunk_sizes(8, 4), (std::vector<int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(chunk_sizes(7, 4), (std::vector<int64_t>{2, 2, 2, 1}));
  EXPECT_EQ(chunk_sizes(9, 4), (std::vector<int64_t>{3, 2, 2, 2}));
}

TEST(BatchPlan, SplitsADynamicBatchAsConfigured) {
  const BatchPlan plan = plan_batch(config(7), 4, {{kDynamic}});
  EXPECT_EQ(plan.batch_size, 7);
  EXPECT_EQ(plan.num_microbatches, 4);
  EXPECT_FALSE(plan.fixed_rows.has_value());
  EXPECT_EQ(plan_batch(config(7), {}, {{kDynamic}}).num_microbatches, 1);
}

TEST(BatchPlan, AFixedBatchDeterminesTheNumberOfMicrobatches) {
  const BatchPlan plan = plan_batch(config(32), {}, {{kFixed}});
  EXPECT_EQ(plan.num_microbatches, 8);
  EXPECT_EQ(plan.fixed_rows, 4);
  EXPECT_EQ(plan_batch(config(32), 8, {{kFixed}}).num_microbatches, 8);
}

TEST(BatchPlan, IgnoresAFixedSizeOfAnInputThatIsNotSplit) {
  DataConfig data = config(6);
  data.inputs["mask"].split_dim.reset();
  const InputSpec mask = input("mask", ir::ScalarType::Bool, {"16", "16"});
  EXPECT_FALSE(plan_batch(data, 2, {{kDynamic, mask}}).fixed_rows.has_value());
}

TEST(BatchPlan, LooksAtTheDimensionThatIsSplit) {
  DataConfig data = config(6);
  data.inputs["x"].split_dim = 1;
  const InputSpec x = input("x", ir::ScalarType::Float, {"4", "s0", "16"});
  EXPECT_FALSE(plan_batch(data, 2, {{x}}).fixed_rows.has_value());
}

// Errors.

TEST(BatchPlan, FixedBatchAndOtherMicrobatches) {
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4, but batch_size 8 with microbatches 4 makes "
      "microbatches of 2; set batch_size to 16 or microbatches to 2, or export "
      "with a dynamic dimension 0",
      [] { plan_batch(config(8), 4, {{kFixed}}); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4, but batch_size 9 with microbatches 2 makes "
      "microbatches of 5 and 4; set batch_size to 8, or export with a dynamic "
      "dimension 0",
      [] { plan_batch(config(9), 2, {{kFixed}}); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4, but batch_size 10 is not a multiple of 4; "
      "set batch_size to 8 or 12, or export with a dynamic dimension 0",
      [] { plan_batch(config(10), {}, {{kFixed}}); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4, but batch_size 3 is not a multiple of 4 x "
      "2 "
      "replicas; set batch_size to 8, or export with a dynamic dimension 0",
      [] { plan_batch(config(3), {}, {{kFixed}}, 2); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4, but batch_size 16 with microbatches 4 x "
      "replicas 2 makes microbatches of 2; set batch_size to 32 or "
      "microbatches "
      "to 2, or export with a dynamic dimension 0",
      [] { plan_batch(config(16), 4, {{kFixed}}, 2); });
}

TEST(BatchPlan, FixedBatchesThatDisagree) {
  const InputSpec mask = input("mask", ir::ScalarType::Bool, {"16", "16"});
  expect_error(
      ErrorKind::Usage,
      "inputs were exported with different batch sizes: x with 4, mask with "
      "16; set split_dim = \"none\" in [data].inputs for the one that is not "
      "split "
      "into microbatches",
      [&] {
        plan_batch(config(8), 2, {{kFixed, mask}});
      });
}

TEST(BatchPlan, FewerRowsThanMicrobatches) {
  expect_error(
      ErrorKind::Usage,
      "batch_size 3 is smaller than microbatches 4, and every microbatch needs "
      "a row; set batch_size to 4 or more",
      [] { plan_batch(config(3), 4, {{kDynamic}}); });
}

TEST(BatchPlan, NoBatchSize) {
  expect_error(
      ErrorKind::Usage,
      "the job has no data; set data.batch_size (the rows per step) and "
      "data.inputs.x.path in a job file or with --set",
      [] { plan_batch(DataConfig(), 4, {{kDynamic}}); });
}

}  // namespace
}  // namespace pp
