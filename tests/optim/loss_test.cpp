#include "runtime/optim/loss.h"

#include <cmath>

#include <gtest/gtest.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "tests/support/tensors.h"

namespace pp {
namespace {

at::Tensor classes(const std::vector<int64_t>& values) {
  return tensor_of(values, {static_cast<int64_t>(values.size())});
}

TEST(Loss, WeighsByTheElementsThatEnterTheMean) {
  EXPECT_EQ(
      make_loss(LossKind::CrossEntropy)
          ->weight(classes({1, -100, 2, -100, 0}), 5),
      3);
  EXPECT_EQ(make_loss(LossKind::Nll)->weight(classes({-100, -100}), 2), 0);
  EXPECT_EQ(make_loss(LossKind::Mse)->weight(at::zeros({4, 3}), 4), 12);
  EXPECT_EQ(make_loss(LossKind::L1)->weight(at::zeros({4}), 4), 4);
  EXPECT_EQ(
      make_loss(LossKind::BceWithLogits)->weight(at::zeros({2, 2}), 2), 4);
  EXPECT_EQ(make_output_loss()->weight(at::Tensor(), 7), 7);
}

at::Tensor numbers(const std::vector<double>& values) {
  return tensor_of(values, {static_cast<int64_t>(values.size())});
}

TEST(Loss, WeighsByTheWeightsOfTheTargetsClasses) {
  const auto loss =
      make_loss(LossKind::CrossEntropy, {.weights = numbers({1, 0.5, 0})});
  EXPECT_EQ(loss->weight(classes({0, 1, 1, -100, 2}), 5), 2);
  EXPECT_EQ(loss->weight(classes({2, -100}), 2), 0);
  EXPECT_EQ(loss->weight(classes({1, 3, -1}), 3), 0.5);
}

TEST(Loss, OfClassesThatAllWeighNothingIsTheSumOfTheSmoothing) {
  const at::Tensor output = at::zeros({2, 2});
  const ClassLossOptions options{0.5, numbers({0, 1})};
  // Each row: 0.5 x -(0 + log(1/2)) / 2 for its even share of class 1.
  const float loss = make_loss(LossKind::CrossEntropy, options)
                         ->compute(output, classes({0, 0}))
                         .item<float>();
  EXPECT_NEAR(loss, 0.5 * std::log(2.0), 1e-6);
}

TEST(Loss, OnlyTheGraphsOwnTakesNoTarget) {
  for (const LossRow& row : kLosses) {
    EXPECT_TRUE(make_loss(row.kind)->takes_target()) << row.name;
  }
  EXPECT_FALSE(make_output_loss()->takes_target());
}

TEST(Loss, AMicrobatchWithAllTargetsIgnoredGivesZero) {
  for (const LossKind kind : {LossKind::CrossEntropy, LossKind::Nll}) {
    const at::Tensor output = at::rand({2, 5}).requires_grad_();
    const at::Tensor loss =
        make_loss(kind)->compute(output, classes({-100, -100}));
    EXPECT_EQ(loss.item<float>(), 0) << enum_name(kind);
    loss.backward();
    EXPECT_TRUE(at::equal(output.grad(), at::zeros({2, 5}))) << enum_name(kind);
  }
}

TEST(Loss, AnEmptyMicrobatchGivesZero) {
  for (const LossKind kind :
       {LossKind::Mse, LossKind::L1, LossKind::BceWithLogits}) {
    const at::Tensor output = at::zeros({0, 3}).requires_grad_();
    EXPECT_EQ(
        make_loss(kind)->compute(output, at::zeros({0, 3})).item<float>(), 0)
        << enum_name(kind);
  }
}

TEST(Loss, TheGraphsOwnIsPassedThroughAsAScalar) {
  const auto loss = make_output_loss();
  const at::Tensor scalar = at::full({}, 2.5).requires_grad_();
  EXPECT_TRUE(loss->compute(scalar, {}).is_same(scalar));
  EXPECT_EQ(loss->compute(at::full({1}, 2.5), {}).dim(), 0);
  expect_error(
      ErrorKind::Input, {"float32 [2]", "a single floating-point number"}, [&] {
        loss->compute(at::ones({2}), {});
      });
  expect_error(ErrorKind::Input, {"int64 []"}, [&] {
    loss->compute(at::ones({}, at::kLong), {});
  });
}

// Errors -------------------------------------------------------------------

TEST(LossErrors, ClassTargetsOfTheWrongShapeNameBoth) {
  expect_error(
      ErrorKind::Input,
      {"cross_entropy", "float32 [4, 10]", "int64 [3]", "class dimension"},
      [] {
        make_loss(LossKind::CrossEntropy)
            ->compute(at::rand({4, 10}), classes({1, 2, 3}));
      });
}

TEST(LossErrors, FloatingClassesAreRefused) {
  expect_error(ErrorKind::Input, {"integer target", "float32 [4]"}, [] {
    make_loss(LossKind::Nll)->compute(at::rand({4, 10}), at::rand({4}));
  });
}

TEST(LossErrors, AnIntegerOutputIsRefused) {
  expect_error(ErrorKind::Input, {"floating-point output", "int64 [1, 2]"}, [] {
    make_loss(LossKind::CrossEntropy)
        ->compute(at::ones({1, 2}, at::kLong), classes({1}));
  });
}

TEST(LossErrors, AClassOutOfRangeIsNamed) {
  for (const int64_t label : {10, -1, -99}) {
    expect_error(
        ErrorKind::Input,
        {"cross_entropy: index out of range: 'target' holds " +
             std::to_string(label) + " at [1], but only 0 to 9 are valid",
         "-100, which is ignored"},
        [&] {
          make_loss(LossKind::CrossEntropy)
              ->compute(at::rand({2, 10}), classes({9, label}));
        });
  }
}

TEST(LossErrors, WeightsMustBeAsManyAsClasses) {
  expect_error(
      ErrorKind::Input,
      {"nll: train.loss.weights has 2 weights",
       "float32 [2, 3], has 3 classes"},
      [] {
        make_loss(LossKind::Nll, {.weights = numbers({1, 1})})
            ->compute(at::rand({2, 3}), classes({0, 1}));
      });
  // A target beyond the weights is a class nevertheless.
  expect_error(
      ErrorKind::Input,
      {"nll: train.loss.weights has 2 weights", "has 3 classes"},
      [] {
        make_loss(LossKind::Nll, {.weights = numbers({1, 1})})
            ->compute(at::rand({2, 3}), classes({0, 2}));
      });
}

TEST(LossErrors, ATargetWithoutAWeightIsRefusedWhereItIsWeighed) {
  expect_error(
      ErrorKind::Input,
      {"nll: index out of range: 'target' holds 2 at [1]",
       "only 0 to 1 are valid (train.loss.weights has 2 weights)"},
      [] {
        const ClassLossOptions options{
            .weights = numbers({1, 1}), .weight_checks_targets = true};
        make_loss(LossKind::Nll, options)->weight(classes({0, 2, -100}), 3);
      });
}

TEST(LossErrors, ElementTargetsMustHaveTheOutputsShape) {
  // torch would broadcast and train on something else than meant.
  for (const LossKind kind :
       {LossKind::Mse, LossKind::L1, LossKind::BceWithLogits}) {
    expect_error(
        ErrorKind::Input,
        {std::string(enum_name(kind)), "float32 [4, 1]", "float32 [4]"},
        [&] {
          make_loss(kind)->compute(at::rand({4, 1}), at::rand({4}));
        });
  }
}

TEST(LossErrors, ElementTargetsMustHaveTheOutputsDtype) {
  expect_error(ErrorKind::Input, {"float32 [4]", "float64 [4]"}, [] {
    make_loss(LossKind::Mse)
        ->compute(at::rand({4}), at::rand({4}, at::kDouble));
  });
  expect_error(ErrorKind::Input, {"float32 [4]", "int64 [4]"}, [] {
    make_loss(LossKind::L1)->compute(at::rand({4}), at::ones({4}, at::kLong));
  });
  expect_error(ErrorKind::Input, {"no tensor"}, [] {
    make_loss(LossKind::Mse)->compute(at::rand({4}), {});
  });
}

}  // namespace
}  // namespace pp
