#include "runtime/optim/class_counts.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace pp {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

ClassCounts counts_of(
    const at::Tensor& output, const std::vector<int64_t>& target) {
  return to_class_counts(count_classes(
      LossKind::CrossEntropy,
      output,
      tensor_of(target, {static_cast<int64_t>(target.size())})));
}

TEST(ClassCounts, OfEqualScoresTheFirstIsTheHighest) {
  const at::Tensor output = tensor_of<float>({1, 1, 0, 1, 1, 0}, {2, 3});
  EXPECT_EQ(counts_of(output, {0, 0}).correct, 2);
  EXPECT_EQ(counts_of(output, {1, 1}).correct, 0);
  EXPECT_EQ(counts_of(output, {1, 1}).correct_top5, 2);
}

TEST(ClassCounts, OnlyFiveClassesAreAmongTheTopFive) {
  const at::Tensor output =
      tensor_of<float>({6, 5, 4, 3, 2, 1}, {1, 6}).expand({6, 6});
  const ClassCounts counts = counts_of(output, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(counts.num_targets, 6);
  EXPECT_EQ(counts.correct, 1);
  EXPECT_EQ(counts.correct_top5, 5);
}

TEST(ClassCounts, NaNIsNoCorrectAnswer) {
  const at::Tensor output = tensor_of<float>({kNaN, 1, 0, kNaN, 1, 0}, {2, 3});
  EXPECT_EQ(counts_of(output, {0, 1}).correct, 0);
  // With three classes every number is among the top five.
  EXPECT_EQ(counts_of(output, {0, 1}).correct_top5, 1);
}

TEST(ClassCounts, IgnoredTargetsDontCount) {
  const at::Tensor output = tensor_of<float>({2, 0, 0, 2, 2, 0}, {3, 2});
  const ClassCounts counts = counts_of(output, {0, -100, 1});
  EXPECT_EQ(counts.num_targets, 2);
  EXPECT_EQ(counts.correct, 1);
  const ClassCounts none = counts_of(output, {-100, -100, -100});
  EXPECT_EQ(none.num_targets, 0);
  EXPECT_TRUE(std::isnan(value_of(EvalMetric::Accuracy, none)));
  EXPECT_TRUE(std::isnan(value_of(EvalMetric::Perplexity, none)));
}

TEST(ClassCounts, PerplexityOfEqualScoresIsTheNumberOfClasses) {
  const ClassCounts counts =
      counts_of(tensor_of<float>({0, 0, 0, 0}, {1, 4}), {2});
  EXPECT_NEAR(value_of(EvalMetric::Perplexity, counts), 4, 1e-6);
}

TEST(ClassCounts, OutputWithoutRowsIsOneRow) {
  const ClassCounts counts = to_class_counts(count_classes(
      LossKind::CrossEntropy,
      tensor_of<float>({0, 3, 1}, {3}),
      tensor_of<int64_t>({1}, {})));
  EXPECT_EQ(counts.num_targets, 1);
  EXPECT_EQ(counts.correct, 1);
}

}  // namespace
}  // namespace pp
