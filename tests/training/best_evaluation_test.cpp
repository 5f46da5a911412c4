#include "runtime/training/best_evaluation.h"

#include <limits>

#include <gtest/gtest.h>

namespace pp {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

EvalReport report(int64_t step, double loss, double accuracy = 0) {
  return {step, loss, 0, {{"accuracy", accuracy}}};
}

TEST(BestEvaluation, OfALossIsTheLowest) {
  BestEvaluation best(EvalMetric::Loss);
  EXPECT_EQ(best.text(), "loss was never a number");
  EXPECT_TRUE(best.add(report(2, 3)));
  EXPECT_FALSE(best.add(report(4, 3)));
  EXPECT_TRUE(best.add(report(6, 2.5)));
  EXPECT_FALSE(best.add(report(8, 2.75)));
  EXPECT_EQ(best.step(), 6);
  EXPECT_EQ(best.num_since(), 1);
  EXPECT_EQ(best.text(), "loss was best at step 6, 2.5000");
}

TEST(BestEvaluation, OfAnAccuracyIsTheHighest) {
  BestEvaluation best(EvalMetric::Accuracy);
  EXPECT_TRUE(best.add(report(2, 1, 0.25)));
  EXPECT_TRUE(best.add(report(4, 9, 0.5)));
  EXPECT_FALSE(best.add(report(6, 0, 0.25)));
  EXPECT_EQ(best.step(), 4);
}

TEST(BestEvaluation, AnImprovementIsMoreThanMinDelta) {
  BestEvaluation best(EvalMetric::Loss, 0.5);
  EXPECT_TRUE(best.add(report(1, 3)));
  EXPECT_FALSE(best.add(report(2, 2.5)));
  EXPECT_FALSE(best.add(report(3, 2.75)));
  EXPECT_TRUE(best.add(report(4, 2.25)));
}

TEST(BestEvaluation, IsNeverNaN) {
  BestEvaluation best(EvalMetric::Accuracy);
  EXPECT_FALSE(best.add(report(1, 1, kNaN)));
  EXPECT_TRUE(best.add(report(3, 1, 0)));
  EXPECT_FALSE(best.add(report(4, 1, kNaN)));
  EXPECT_EQ(best.step(), 3);
  EXPECT_EQ(best.num_since(), 1);
}

TEST(BestEvaluation, IgnoresEvaluationsWithoutTheMetric) {
  BestEvaluation best(EvalMetric::Accuracy);
  EXPECT_FALSE(best.add(EvalReport{.step = 1, .loss = 1}));
  EXPECT_EQ(best.num_since(), 0);
  EXPECT_TRUE(best.add(report(2, 1, 0.5)));
  EXPECT_FALSE(best.add(EvalReport{.step = 3, .loss = 1}));
  EXPECT_EQ(best.num_since(), 0);
}

TEST(EvaluationFollower, StopsAfterAsManyEvaluationsAsItsPatience) {
  EvaluationFollower follower(
      EarlyStop{.metric = EvalMetric::Loss, .patience = 2}, std::nullopt);
  EXPECT_FALSE(follower.add(report(1, 3)));
  EXPECT_FALSE(follower.add(report(2, 4)));
  EXPECT_EQ(follower.stop_text(), "");
  EXPECT_FALSE(follower.add(report(3, 2)));
  EXPECT_FALSE(follower.add(report(4, 2)));
  EXPECT_EQ(follower.stop_text(), "");
  EXPECT_FALSE(follower.add(report(5, 2)));
  EXPECT_EQ(
      follower.stop_text(),
      "no improvement in 2 evaluations: loss was best at step 3, 2.0000");
  EXPECT_EQ(follower.best_step(), std::nullopt);
}

TEST(EvaluationFollower, KeepsNoEvaluationWithoutACheckpoint) {
  EvaluationFollower follower(EarlyStop{.patience = 1}, EvalMetric::Loss);
  EXPECT_FALSE(follower.add(report(1, 1), false));
  EXPECT_TRUE(follower.add(report(2, 2)));
  EXPECT_EQ(follower.best_step(), 2);
  EXPECT_NE(follower.stop_text(), "");  // it follows both
}

TEST(EvaluationFollower, KeepsTheBestByItsOwnMetric) {
  EvaluationFollower follower(EarlyStop{.patience = 1}, EvalMetric::Accuracy);
  EXPECT_TRUE(follower.add(report(1, 3, 0.5)));
  EXPECT_TRUE(follower.add(report(2, 4, 0.75)));
  EXPECT_FALSE(follower.add(report(3, 5, 0.5)));
  EXPECT_EQ(follower.best_step(), 2);
  EXPECT_NE(follower.stop_text(), "");
}

}  // namespace
}  // namespace pp
