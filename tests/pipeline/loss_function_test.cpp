#include "runtime/pipeline/loss_function.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/core/Reduction.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>

#include "tests/support/paths.h"
#include "tests/support/tensors.h"

namespace pp {
namespace {

constexpr int64_t kRows = 12;
constexpr int64_t kClasses = 4;

/// Some targets are ignored, and class 0 weighs nothing.
const std::vector<int64_t> kTargets = {
    0, 0, 0, 1, 2, 3, -100, 3, 2, 1, 0, -100};
const std::vector<double> kWeights = {0, 0.5, 1, 2};

at::Tensor logits() {
  const at::Tensor steps = at::arange(kRows * kClasses, at::kDouble);
  return steps.mul(1.7).sin().reshape({kRows, kClasses});
}

/// The step's rows in microbatches of these sizes.
StepData step_of(const std::vector<int64_t>& sizes) {
  const at::Tensor target = tensor_of(kTargets, {kRows});
  std::vector<Microbatch> microbatches;
  int64_t row = 0;
  for (const int64_t size : sizes) {
    Microbatch& each = microbatches.emplace_back();
    each.index = static_cast<int>(microbatches.size()) - 1;
    each.num_rows = size;
    each.target = target.narrow(0, row, size);
    row += size;
  }
  return StepData(std::move(microbatches));
}

struct StepLoss {
  double loss = 0;
  at::Tensor gradient;
};

StepLoss loss_of(const LossConfig& config, const std::vector<int64_t>& sizes) {
  LossFunction function(config, "logits", {});
  const StepData step = step_of(sizes);
  const at::Tensor output = logits().requires_grad_();
  function.begin_step(step);
  int64_t row = 0;
  for (int i = 0; i < step.num_microbatches(); ++i) {
    const int64_t size = sizes[static_cast<size_t>(i)];
    function(step[i], {{"logits", output.narrow(0, row, size)}}).backward();
    row += size;
  }
  return {function.value(), output.grad()};
}

class WeightedLoss : public testing::TestWithParam<double> {};

TEST_P(WeightedLoss, IsThatOfTheWholeBatchHoweverItIsCut) {
  LossConfig config;
  config.kind = LossKind::CrossEntropy;
  config.label_smoothing = GetParam();
  config.weights.values = kWeights;
  const at::Tensor output = logits().requires_grad_();
  const at::Tensor whole = at::cross_entropy_loss(
      output,
      tensor_of(kTargets, {kRows}),
      tensor_of(kWeights, {kClasses}),
      at::Reduction::Mean,
      kIgnoreIndex,
      GetParam());
  whole.backward();
  // In the second, the first microbatch weighs nothing.
  for (const std::vector<int64_t>& sizes :
       {std::vector<int64_t>{12}, {3, 4, 5}, {5, 1, 1, 5}}) {
    SCOPED_TRACE(sizes.size());
    const StepLoss loss = loss_of(config, sizes);
    EXPECT_NEAR(loss.loss, whole.item<double>(), 1e-14);
    EXPECT_TRUE(at::allclose(loss.gradient, output.grad(), 1e-13, 1e-15));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Smoothing, WeightedLoss, testing::Values(0.0, 0.1, 1.0));

TEST(ClassWeights, MayBeInAFile) {
  std::filesystem::create_directories(test::fixture_folder());
  const auto path = test::fixture_folder() / "weights.npy";
  const std::string header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }";
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(118) << '\0'
       << header << std::string(117 - header.size(), ' ') << '\n';
  file.write(
      reinterpret_cast<const char*>(kWeights.data()),
      static_cast<std::streamsize>(kWeights.size() * sizeof(double)));
  file.close();
  LossConfig listed;
  listed.kind = LossKind::CrossEntropy;
  listed.weights = {kWeights, {}};
  LossConfig in_file = listed;
  in_file.weights = {{}, path};
  EXPECT_EQ(loss_of(in_file, {6, 6}).loss, loss_of(listed, {6, 6}).loss);
}

}  // namespace
}  // namespace pp
