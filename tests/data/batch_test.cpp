#include "runtime/data/batch.h"

#include <gtest/gtest.h>

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

TEST(Chunks, FirstOnesHaveOneRowMore) {
  EXPECT_EQ(chunk_sizes(8, 4), (std::vector<int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(chunk_sizes(7, 4), (std::vector<int64_t>{2, 2, 2, 1}));
  EXPECT_EQ(chunk_sizes(9, 4), (std::vector<int64_t>{3, 2, 2, 2}));
}

TEST(BatchPlan, ADynamicBatchIsCutAsAsked) {
  const BatchPlan plan = plan_batch(config(7), 4, {{kDynamic}});
  EXPECT_EQ(plan.batch_size, 7);
  EXPECT_EQ(plan.num_microbatches, 4);
  EXPECT_FALSE(plan.fixed_rows.has_value());
  EXPECT_EQ(plan_batch(config(7), {}, {{kDynamic}}).num_microbatches, 1);
}

TEST(BatchPlan, AFixedBatchSaysHowManyMicrobatches) {
  const BatchPlan plan = plan_batch(config(32), {}, {{kFixed}});
  EXPECT_EQ(plan.num_microbatches, 8);
  EXPECT_EQ(plan.fixed_rows, 4);
  EXPECT_EQ(plan_batch(config(32), 8, {{kFixed}}).num_microbatches, 8);
}

TEST(BatchPlan, AFixedDimensionThatIsNoBatchIsLeftAlone) {
  DataConfig data = config(6);
  data.inputs["mask"].split_dim.reset();
  const InputSpec mask = input("mask", ir::ScalarType::Bool, {"16", "16"});
  EXPECT_FALSE(plan_batch(data, 2, {{kDynamic, mask}}).fixed_rows.has_value());
}

TEST(BatchPlan, CountsTheDimensionThatIsCut) {
  DataConfig data = config(6);
  data.inputs["x"].split_dim = 1;
  const InputSpec x = input("x", ir::ScalarType::Float, {"4", "s0", "16"});
  EXPECT_FALSE(plan_batch(data, 2, {{x}}).fixed_rows.has_value());
}

// Errors.

TEST(BatchPlan, FixedBatchAndOtherMicrobatches) {
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4; this job makes microbatches of 2; set "
      "batch_size = 4 x microbatches, or export with a dynamic dimension 0",
      [] { plan_batch(config(8), 4, {{kFixed}}); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4; this job makes microbatches of 5 and 4; "
      "set batch_size = 4 x microbatches, or export with a dynamic dimension "
      "0",
      [] { plan_batch(config(9), 2, {{kFixed}}); });
  expect_error(
      ErrorKind::Usage,
      "x was exported with batch 4; this job's batch_size is 10; set "
      "batch_size = 4 x microbatches, or export with a dynamic dimension 0",
      [] { plan_batch(config(10), {}, {{kFixed}}); });
}

TEST(BatchPlan, FixedBatchesThatDisagree) {
  const InputSpec mask = input("mask", ir::ScalarType::Bool, {"16", "16"});
  expect_error(
      ErrorKind::Usage,
      "inputs were exported with different batches: x with 4, mask with 16; "
      "give the one that is no batch split_dim = \"none\" in [data].inputs",
      [&] {
        plan_batch(config(8), 2, {{kFixed, mask}});
      });
}

TEST(BatchPlan, FewerRowsThanMicrobatches) {
  expect_error(
      ErrorKind::Usage,
      "batch_size 3 is smaller than microbatches 4; every microbatch needs a "
      "row",
      [] { plan_batch(config(3), 4, {{kDynamic}}); });
}

TEST(BatchPlan, NoBatchSize) {
  expect_error(
      ErrorKind::Usage, "[data] needs batch_size, the rows of a step", [] {
        plan_batch(DataConfig(), 4, {{kDynamic}});
      });
}

}  // namespace
}  // namespace pp
