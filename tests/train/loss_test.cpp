#include "runtime/train/loss.h"

#include <gtest/gtest.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "tests/train/tensors.h"

namespace pp {
namespace {

at::Tensor classes(const std::vector<int64_t>& values) {
  return tensor_of(values, {static_cast<int64_t>(values.size())});
}

TEST(Loss, WeighsByTheElementsThatEnterTheMean) {
  EXPECT_EQ(
      make_loss({"cross_entropy"})->weight(classes({1, -100, 2, -100, 0}), 5),
      3);
  EXPECT_EQ(make_loss({"nll"})->weight(classes({-100, -100}), 2), 0);
  EXPECT_EQ(make_loss({"mse"})->weight(at::zeros({4, 3}), 4), 12);
  EXPECT_EQ(make_loss({"l1"})->weight(at::zeros({4}), 4), 4);
  EXPECT_EQ(make_loss({"bce_with_logits"})->weight(at::zeros({2, 2}), 2), 4);
  EXPECT_EQ(make_loss({"output"})->weight(at::Tensor(), 7), 7);
}

TEST(Loss, OnlyTheGraphsOwnTakesNoTarget) {
  for (const std::string& name : loss_names()) {
    EXPECT_EQ(make_loss({name})->takes_target(), name != "output") << name;
  }
}

TEST(Loss, AMicrobatchWithAllTargetsIgnoredGivesZero) {
  for (const char* name : {"cross_entropy", "nll"}) {
    const at::Tensor output = at::rand({2, 5}).requires_grad_();
    const at::Tensor loss =
        make_loss({name})->compute(output, classes({-100, -100}));
    EXPECT_EQ(loss.item<float>(), 0) << name;
    loss.backward();
    EXPECT_TRUE(at::equal(output.grad(), at::zeros({2, 5}))) << name;
  }
}

TEST(Loss, AnEmptyMicrobatchGivesZero) {
  for (const char* name : {"mse", "l1", "bce_with_logits"}) {
    const at::Tensor output = at::zeros({0, 3}).requires_grad_();
    EXPECT_EQ(
        make_loss({name})->compute(output, at::zeros({0, 3})).item<float>(), 0)
        << name;
  }
}

TEST(Loss, TheGraphsOwnIsPassedThroughAsAScalar) {
  const auto loss = make_loss({"output"});
  const at::Tensor scalar = at::full({}, 2.5).requires_grad_();
  EXPECT_TRUE(loss->compute(scalar, {}).is_same(scalar));
  EXPECT_EQ(loss->compute(at::full({1}, 2.5), {}).dim(), 0);
  expect_error(ErrorKind::Input, {"float32 [2]", "one floating number"}, [&] {
    loss->compute(at::ones({2}), {});
  });
  expect_error(ErrorKind::Input, {"int64 []"}, [&] {
    loss->compute(at::ones({}, at::kLong), {});
  });
}

// Errors -------------------------------------------------------------------

TEST(LossErrors, AnUnknownNameOffersTheNearest) {
  expect_error(
      ErrorKind::Usage, {"'crossentropy'", "did you mean 'cross_entropy'"}, [] {
        make_loss({"crossentropy"});
      });
}

TEST(LossErrors, ClassTargetsOfTheWrongShapeNameBoth) {
  expect_error(
      ErrorKind::Input,
      {"cross_entropy", "float32 [4, 10]", "int64 [3]", "class dimension"},
      [] {
        make_loss({"cross_entropy"})
            ->compute(at::rand({4, 10}), classes({1, 2, 3}));
      });
}

TEST(LossErrors, FloatingClassesAreRefused) {
  expect_error(ErrorKind::Input, {"integer target", "float32 [4]"}, [] {
    make_loss({"nll"})->compute(at::rand({4, 10}), at::rand({4}));
  });
}

TEST(LossErrors, AnIntegerOutputIsRefused) {
  expect_error(ErrorKind::Input, {"floating output", "int64 [1, 2]"}, [] {
    make_loss({"cross_entropy"})
        ->compute(at::ones({1, 2}, at::kLong), classes({1}));
  });
}

TEST(LossErrors, AClassOutOfRangeIsNamed) {
  for (const int64_t label : {10, -1, -99}) {
    expect_error(
        ErrorKind::Input,
        {"class " + std::to_string(label), "10 classes", "0 to 9", "-100"},
        [&] {
          make_loss({"cross_entropy"})
              ->compute(at::rand({2, 10}), classes({9, label}));
        });
  }
}

TEST(LossErrors, ElementTargetsMustHaveTheOutputsShape) {
  // torch broadcasts here, and trains on something nobody meant.
  for (const char* name : {"mse", "l1", "bce_with_logits"}) {
    expect_error(
        ErrorKind::Input, {name, "float32 [4, 1]", "float32 [4]"}, [&] {
          make_loss({name})->compute(at::rand({4, 1}), at::rand({4}));
        });
  }
}

TEST(LossErrors, ElementTargetsMustHaveTheOutputsDtype) {
  expect_error(ErrorKind::Input, {"float32 [4]", "float64 [4]"}, [] {
    make_loss({"mse"})->compute(at::rand({4}), at::rand({4}, at::kDouble));
  });
  expect_error(ErrorKind::Input, {"float32 [4]", "int64 [4]"}, [] {
    make_loss({"l1"})->compute(at::rand({4}), at::ones({4}, at::kLong));
  });
  expect_error(ErrorKind::Input, {"no tensor"}, [] {
    make_loss({"mse"})->compute(at::rand({4}), {});
  });
}

}  // namespace
}  // namespace pp
