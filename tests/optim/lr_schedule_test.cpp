#include "runtime/optim/lr_schedule.h"

#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace pp {
namespace {

/// The learning rates of a run of 8 steps.
std::vector<double> table(const LrSchedule& schedule) {
  check_lr_schedule(schedule, 1, 8);
  std::vector<double> out;
  for (int64_t step = 0; step < 8; ++step) {
    out.push_back(learning_rate(schedule, 1, 8, step));
  }
  return out;
}

void expect_table(
    const LrSchedule& schedule, const std::vector<double>& expected) {
  const std::vector<double> actual = table(schedule);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-12) << "step " << i;
  }
}

TEST(LrSchedule, Constant) {
  expect_table({LrShape::Constant}, {1, 1, 1, 1, 1, 1, 1, 1});
  expect_table({LrShape::Constant, 4}, {0.25, 0.5, 0.75, 1, 1, 1, 1, 1});
}

TEST(LrSchedule, Linear) {
  expect_table(
      {LrShape::Linear}, {1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125});
  expect_table({LrShape::Linear, 4}, {0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25});
  expect_table(
      {LrShape::Linear, 4, 0.6}, {0.25, 0.5, 0.75, 1, 1, 0.9, 0.8, 0.7});
}

TEST(LrSchedule, Cosine) {
  // (1 + cos(pi k / 4)) / 2 for k = 0 to 3
  expect_table(
      {LrShape::Cosine, 4},
      {0.25, 0.5, 0.75, 1, 1, 0.85355339059327378, 0.5, 0.14644660940672624});
  expect_table(
      {LrShape::Cosine, 4, 0.2},
      {0.25, 0.5, 0.75, 1, 1, 0.88284271247461903, 0.6, 0.317157287525381});
}

TEST(LrSchedule, WsdFallsInItsLastSteps) {
  expect_table(
      {.shape = LrShape::Wsd, .warmup = 2, .decay = 4},
      {0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25});
  // A tenth of 8 steps, rounded up, is 1: its first step has the whole rate.
  expect_table(
      {.shape = LrShape::Wsd, .warmup = 2}, {0.5, 1, 1, 1, 1, 1, 1, 1});
  expect_table(
      {.shape = LrShape::Wsd,
       .min_lr = 0.2,
       .decay = 2,
       .anneal = LrAnneal::Cosine},
      {1, 1, 1, 1, 1, 1, 1, 0.6});
  EXPECT_EQ(
      learning_rate({.shape = LrShape::Wsd, .min_lr = 0.1}, 1, 8, 9), 0.1);
}

TEST(LrSchedule, WsdWithoutDecayStaysAtTheRate) {
  expect_table({.shape = LrShape::Wsd, .decay = 0}, {1, 1, 1, 1, 1, 1, 1, 1});
  // The warm-up leaves no step for a decay.
  expect_table(
      {.shape = LrShape::Wsd, .warmup = 8},
      {0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1});
}

TEST(LrSchedule, OneCycleRisesAndFalls) {
  // The peak is in step 0.5 x 8 - 1 = 3.
  expect_table(
      {.shape = LrShape::OneCycle,
       .anneal = LrAnneal::Linear,
       .pct_start = 0.5,
       .div_factor = 4,
       .final_div_factor = 5},
      {0.25, 0.5, 0.75, 1, 0.7625, 0.525, 0.2875, 0.05});
  EXPECT_EQ(
      learning_rate(
          {.shape = LrShape::OneCycle, .final_div_factor = 1}, 1, 8, 99),
      1 / 25.0);
  // In a run of one step there is no rise.
  EXPECT_EQ(learning_rate({.shape = LrShape::OneCycle}, 25e4, 1, 0), 1);
}

TEST(LrSchedule, StaysAtItsEndAfterTheLastStep) {
  EXPECT_EQ(learning_rate({LrShape::Linear, 0, 0.1}, 1, 8, 8), 0.1);
  EXPECT_NEAR(learning_rate({LrShape::Cosine, 0, 0.1}, 1, 8, 100), 0.1, 1e-12);
  EXPECT_EQ(learning_rate({LrShape::Linear, 8, 0.1}, 1, 8, 7), 1);
  EXPECT_EQ(learning_rate({LrShape::Linear, 8, 0.1}, 1, 8, 8), 0.1);
}

TEST(LrSchedule, ConstantGivesTheVeryNumber) {
  EXPECT_EQ(learning_rate({LrShape::Constant, 3, 0.01}, 0.3, 8, 3), 0.3);
  EXPECT_EQ(learning_rate({LrShape::Cosine, 3, 0.01}, 0.3, 8, 3), 0.3);
}

TEST(LrSchedule, WrongOnesAreUsageErrors) {
  const auto refuse = [](const LrSchedule& schedule,
                         const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::Usage, pieces, [&] {
      check_lr_schedule(schedule, 0.5, 10);
    });
  };
  refuse(
      {LrShape::Cosine, -1},
      {"'warmup' is -1", "from 0 to the run's 10 steps"});
  refuse(
      {LrShape::Cosine, 11},
      {"'warmup' is 11", "from 0 to the run's 10 steps"});
  refuse({LrShape::Cosine, 0, 0.6}, {"'min_lr' is 0.6", "0.5"});
  refuse({LrShape::Linear, 0, -0.1}, {"'min_lr' is -0.1"});
  refuse(
      {.shape = LrShape::Wsd, .warmup = 4, .decay = 7},
      {"'decay' is 7", "from 0 to the 6 steps after the warm-up"});
  refuse(
      {.shape = LrShape::OneCycle, .anneal = LrAnneal::Sqrt},
      {"'linear' or 'cosine'", "not by 'sqrt'"});
}

}  // namespace
}  // namespace pp
