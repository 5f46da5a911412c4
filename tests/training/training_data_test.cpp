#include "runtime/training/training_data.h"

#include <gtest/gtest.h>

#include "tests/support/tensors.h"
#include "tests/training/demo_job.h"

namespace pp {
namespace {

DataLoaderOptions options_of(const Plan& plan) {
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.log = Log(LogLevel::Error);
  return options;
}

TEST(TrainingData, AnUpdateUsesAllItsBatchesInOrder) {
  const auto plan = test::demo_plan("steps = 3\naccumulate = 2", "runs");
  TrainingData data(*plan, options_of(*plan));
  EXPECT_EQ(data.num_updates(Log(LogLevel::Error)), 3);
  const StepData step = data.read(1, nullptr);
  EXPECT_EQ(step.num_microbatches(), 4);
  EXPECT_EQ(step.num_rows(), 8);
  EXPECT_EQ(data.rows(1).size(), 8U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(step[i].index, i);
  }
}

TEST(TrainingData, StepsMayNeedMoreBatchesThanAnEpochHas) {
  const auto plan = test::demo_plan("steps = 3\naccumulate = 1000000", "runs");
  const TrainingData data(*plan, options_of(*plan));
  EXPECT_EQ(data.num_updates(Log(LogLevel::Error)), 3);
}

TEST(TrainingData, EpochsHaveToGiveAWholeUpdate) {
  const auto plan = test::demo_plan("epochs = 1\naccumulate = 1000000", "runs");
  const TrainingData data(*plan, options_of(*plan));
  expect_error(
      ErrorKind::Usage, {"train.accumulate is 1000000, but the run has "}, [&] {
        data.num_updates(Log(LogLevel::Error));
      });
}

TEST(TrainingData, APositionCountsCompleteEpochsAndSamples) {
  const auto plan = test::demo_plan("epochs = 3", "runs");
  const TrainingData data(*plan, options_of(*plan));
  const int64_t per_epoch = data.num_updates(Log(LogLevel::Error)) / 3;
  const auto position = data.position_after(per_epoch + 2);
  EXPECT_EQ(position.epoch, 1);
  EXPECT_EQ(position.sample, 8);
}

}  // namespace
}  // namespace pp
