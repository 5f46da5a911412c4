// Which numbers of a step are a fault, and how its rows are named.

#include "runtime/training/step_fault.h"

#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/pipeline/failed_rows.h"
#include "runtime/training/training_checkpoints.h"

namespace pp {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

StepSummary summary(double loss, double grad_norm) {
  StepSummary summary;
  summary.loss = loss;
  summary.grad_norm = grad_norm;
  summary.weight = 8;
  return summary;
}

StepFault fault(double loss, double grad_norm) {
  return fault_of(summary(loss, grad_norm), Precision::Float32, 1);
}

TEST(StepFault, IsALossOrGradientThatIsNotFinite) {
  EXPECT_EQ(fault(0.5, 1e30), StepFault::None);
  EXPECT_EQ(fault(0, 0), StepFault::None);
  for (const double bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    EXPECT_EQ(fault(bad, 1), StepFault::Loss);
    EXPECT_EQ(fault(bad, bad), StepFault::Loss);
    EXPECT_EQ(fault(0.5, bad), StepFault::Gradient);
  }
}

TEST(StepFault, IsAStateThatHoldsNan) {
  StepSummary poisoned = summary(0.5, 1);
  poisoned.bad_state = true;
  EXPECT_EQ(fault_of(poisoned, Precision::Float32, 1), StepFault::State);
}

TEST(StepFault, IsNoOverflowThatASmallerScaleMends) {
  const StepSummary overflow = summary(0.5, kInfinity);
  EXPECT_EQ(fault_of(overflow, Precision::Float16, 65536), StepFault::None);
  EXPECT_EQ(fault_of(overflow, Precision::Float16, 1), StepFault::None);
  EXPECT_EQ(fault_of(overflow, Precision::Float16, 0.5), StepFault::Gradient);
  EXPECT_EQ(fault_of(overflow, Precision::BFloat16, 1), StepFault::Gradient);
  EXPECT_EQ(
      fault_of(summary(kNan, kNan), Precision::Float16, 65536),
      StepFault::Loss);
}

TEST(StepFault, IsAStepWithoutATargetUnlessItIsWorse) {
  StepSummary empty = summary(0, 0);
  empty.weight = 0;
  EXPECT_EQ(fault_of(empty, Precision::Float32, 1), StepFault::NoTarget);
  EXPECT_EQ(fault_of(empty, Precision::Float16, 65536), StepFault::NoTarget);
  empty.grad_norm = kNan;
  EXPECT_EQ(fault_of(empty, Precision::Float32, 1), StepFault::Gradient);
}

TEST(StepFault, DecidesOverUpdateAndRun) {
  for (const StepFault bad :
       {StepFault::Loss, StepFault::State, StepFault::Gradient}) {
    EXPECT_TRUE(ends_run(bad, OnNan::Stop));
    EXPECT_FALSE(ends_run(bad, OnNan::Skip));
    EXPECT_FALSE(ends_run(bad, OnNan::Continue));
    EXPECT_FALSE(takes_update(bad, OnNan::Stop));
    EXPECT_FALSE(takes_update(bad, OnNan::Skip));
    EXPECT_TRUE(takes_update(bad, OnNan::Continue));
  }
  for (const OnNan choice : {OnNan::Stop, OnNan::Skip, OnNan::Continue}) {
    EXPECT_FALSE(ends_run(StepFault::NoTarget, choice));
    EXPECT_FALSE(takes_update(StepFault::NoTarget, choice));
    EXPECT_FALSE(ends_run(StepFault::None, choice));
    EXPECT_TRUE(takes_update(StepFault::None, choice));
  }
}

TEST(RowsText, NamesAFewRowsAndARange) {
  EXPECT_EQ(rows_text(std::vector<int64_t>{5}), "row 5");
  EXPECT_EQ(rows_text(std::vector<int64_t>{9, 3}), "rows 9, 3");
  std::vector<int64_t> many(56);
  std::iota(many.begin(), many.end(), 8);
  EXPECT_EQ(rows_text(many), "rows 8 to 63");
  many.front() = 70;
  EXPECT_EQ(rows_text(many), "rows 70, 9, 10, 11, 12, 13, 14, 15 and 48 more");
}

TEST(ChangedRates, AreSaidWhereTheNumberOfStepsDecidesThem) {
  TrainingCheckpoints::Resumed resumed{"runs/checkpoints/step_50", 50, 100};
  LrSchedule schedule;
  EXPECT_EQ(changed_rates(schedule, 0.1, resumed, 200), "");  // constant
  schedule.shape = LrShape::Linear;
  EXPECT_EQ(
      changed_rates(schedule, 0.1, resumed, 200),
      "the run that saved runs/checkpoints/step_50 was planned for 100 steps, "
      "this one for 200: the linear learning rate now ends at step 200, so "
      "step 51 has a rate of 0.0750 instead of 0.0500");
  EXPECT_EQ(changed_rates(schedule, 0.1, resumed, 100), "");
  resumed.planned_steps.reset();  // the checkpoint doesn't say
  EXPECT_EQ(changed_rates(schedule, 0.1, resumed, 200), "");
}

}  // namespace
}  // namespace pp
