#include "runtime/train/optimizer.h"

#include <gtest/gtest.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "tests/train/tensors.h"

namespace pp {
namespace {

NamedParameter parameter(const std::string& fqn) {
  return {fqn, at::ones({2, 3}).requires_grad_()};
}

std::vector<OptimizerOptions> resolve(
    const OptimizerSpec& spec, std::vector<std::string> fqns = {"a.weight"}) {
  return resolve_options(spec, fqns);
}

TEST(OptimizerOptions, DefaultsAreTorchs) {
  const OptimizerOptions adamw = resolve({"adamw", {}, {}}).front();
  EXPECT_EQ(adamw.lr, 1e-3);
  EXPECT_EQ(adamw.weight_decay, 1e-2);
  EXPECT_EQ(adamw.beta1, 0.9);
  EXPECT_EQ(adamw.beta2, 0.999);
  EXPECT_EQ(adamw.eps, 1e-8);
  EXPECT_EQ(resolve({"adam", {}, {}}).front().weight_decay, 0);
  EXPECT_EQ(resolve({"sgd", {}, {}}).front().momentum, 0);
}

TEST(OptimizerOptions, TheFirstGroupThatMatchesHolds) {
  const OptimizerSpec spec{
      "adamw",
      {{"lr", 0.5}, {"weight_decay", 0.1}},
      {{"*.bias", {{"weight_decay", 0.0}}},
       {"a.*", {{"lr", 0.25}, {"weight_decay", 0.2}}}}};
  const auto options = resolve(spec, {"a.bias", "a.weight", "b.weight"});
  EXPECT_EQ(options[0].weight_decay, 0);
  EXPECT_EQ(options[0].lr, 0.5);
  EXPECT_EQ(options[1].weight_decay, 0.2);
  EXPECT_EQ(options[1].lr, 0.25);
  EXPECT_EQ(options[2].weight_decay, 0.1);
}

TEST(OptimizerOptions, WrongOnesAreUsageErrorsThatSayWhatIsRight) {
  const auto refuse = [](const OptimizerSpec& spec,
                         const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::Usage, pieces, [&] { resolve(spec); });
  };
  refuse({"adamm", {}, {}}, {"'adamm'", "did you mean 'adam'"});
  refuse({"adamw", {{"momentum", 0.9}}, {}}, {"no option 'momentum'", "betas"});
  refuse(
      {"adamw", {{"weight_decy", 0.9}}, {}},
      {"'weight_decy'", "did you mean 'weight_decay'"});
  refuse({"sgd", {{"nesterov", 1.0}}, {}}, {"'nesterov'", "true or false"});
  refuse({"adam", {{"betas", 0.9}}, {}}, {"'betas'", "two numbers"});
  refuse(
      {"adam", {{"betas", std::vector<double>{0.9, 1.0}}}, {}},
      {"'betas'", "below 1"});
  refuse({"sgd", {{"lr", -1.0}}, {}}, {"'lr'", "0 or more"});
  refuse(
      {"sgd", {{"nesterov", true}}, {}}, {"'nesterov'", "'momentum' above 0"});
  refuse({"sgd", {}, {{"a.*", {{"epss", 0.1}}}}}, {"no option 'epss'"});
  refuse(
      {"sgd", {{"lr", 0.0}}, {{"a.*", {{"lr", 0.1}}}}},
      {"schedule", "above 0"});
}

TEST(Optimizer, LeavesAParameterWithoutGradientAsItIs) {
  const NamedParameter used = parameter("used");
  const NamedParameter unused = parameter("unused");
  const auto optimizer = make_optimizer({"adamw", {}, {}}, {used, unused});
  used.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(0.1);
  EXPECT_FALSE(at::equal(used.tensor, at::ones({2, 3})));
  EXPECT_TRUE(at::equal(unused.tensor, at::ones({2, 3})));
  EXPECT_EQ(optimizer->state().count("optimizer.step.used"), 1U);
  EXPECT_EQ(optimizer->state().count("optimizer.step.unused"), 0U);
}

TEST(Optimizer, ZeroGradDropsTheGradients) {
  const NamedParameter only = parameter("only");
  const auto optimizer = make_optimizer({"sgd", {}, {}}, {only});
  only.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->zero_grad();
  EXPECT_FALSE(only.tensor.grad().defined());
}

TEST(Optimizer, ReadsAGradientOfAnotherMemoryLayoutByIndex) {
  const NamedParameter only{"only", at::zeros({2, 3}).requires_grad_()};
  const auto optimizer = make_optimizer({"sgd", {}, {}}, {only});
  const at::Tensor gradient = tensor_of<float>({1, 2, 3, 4, 5, 6}, {3, 2}).t();
  only.tensor.mutable_grad() = gradient;
  optimizer->step(1);
  EXPECT_TRUE(at::equal(only.tensor, -gradient));
}

TEST(Optimizer, MomentumStartsWhenAParameterGetsItsFirstGradient) {
  const NamedParameter early = parameter("early");
  const NamedParameter late = parameter("late");
  const auto optimizer = make_optimizer(
      {"sgd", {{"momentum", 0.5}, {"dampening", 0.5}}, {}}, {early, late});
  early.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(1);
  late.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(1);
  // The first step takes the gradient undamped: 1 - 1; the second 0.5 + 0.5.
  EXPECT_TRUE(at::equal(early.tensor, at::full({2, 3}, -1.0)));
  EXPECT_TRUE(at::equal(late.tensor, at::zeros({2, 3})));
}

TEST(Optimizer, CountsTheBytesOfItsState) {
  EXPECT_EQ(
      make_optimizer({"sgd", {}, {}}, {parameter("a")})->state_bytes(), 0);
  EXPECT_EQ(
      make_optimizer({"sgd", {{"momentum", 0.9}}, {}}, {parameter("a")})
          ->state_bytes(),
      24U);
  EXPECT_EQ(
      make_optimizer({"adamw", {}, {}}, {parameter("a")})->state_bytes(), 52U);
}

TEST(Optimizer, NamesTheStateThatIsMissingOrDoesNotFit) {
  const auto optimizer = make_optimizer({"adamw", {}, {}}, {parameter("a")});
  std::map<std::string, at::Tensor> saved = {
      {"optimizer.step.a", at::ones({})},
      {"optimizer.exp_avg.a", at::ones({2, 3})},
      {"optimizer.exp_avg_sq.a", at::ones({2, 3})}};
  const auto load = [&] {
    optimizer->load_state([&](const std::string& name) {
      return saved.count(name) > 0 ? saved[name] : at::Tensor();
    });
  };
  EXPECT_NO_THROW(load());
  saved["optimizer.exp_avg.a"] = at::ones({3, 2});
  expect_error(
      ErrorKind::Input,
      {"'optimizer.exp_avg.a' is float32 [3, 2]", "needs float32 [2, 3]"},
      load);
  saved.erase("optimizer.exp_avg.a");
  expect_error(ErrorKind::Input, {"'optimizer.exp_avg.a' is missing"}, load);
  saved.clear();
  expect_error(
      ErrorKind::Input, {"no optimizer state", "'optimizer.step.a'"}, load);
}

TEST(Optimizer, WithoutStateLoadsFromNothing) {
  const auto nothing = [](const std::string&) { return at::Tensor(); };
  EXPECT_NO_THROW(
      make_optimizer({"sgd", {}, {}}, {parameter("a")})->load_state(nothing));
  // A stage all of whose parameters are frozen.
  EXPECT_NO_THROW(make_optimizer({"adamw", {}, {}}, {})->load_state(nothing));
}

}  // namespace
}  // namespace pp
