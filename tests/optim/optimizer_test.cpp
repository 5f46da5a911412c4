#include "runtime/optim/optimizer.h"

#include <gtest/gtest.h>

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "tests/support/tensors.h"

namespace pp {
namespace {

NamedParameter parameter(const std::string& fqn) {
  return {fqn, at::ones({2, 3}).requires_grad_()};
}

/// An optimizer with its default options.
OptimizerConfig plain(OptimizerKind kind) {
  return {kind, optimizer_row(kind).defaults};
}

std::unique_ptr<Optimizer> make_plain(
    OptimizerKind kind, std::vector<NamedParameter> parameters) {
  return make_optimizer(plain(kind), std::move(parameters));
}

TEST(Optimizers, EachRowHasAnImplementationThatKeepsItsStates) {
  for (const OptimizerRow& row : kOptimizers) {
    SCOPED_TRACE(row.name);
    const NamedParameter only = parameter("only");
    const auto optimizer = make_plain(row.kind, {only});
    only.tensor.mutable_grad() = at::ones({2, 3});
    optimizer->step(0.1);
    EXPECT_FALSE(at::equal(only.tensor, at::ones({2, 3})));
    std::vector<std::string> names;
    for (const OptimizerState& state :
         row.states(row.defaults, {.num_dims = 2})) {
      names.push_back("optimizer." + std::string(state.name) + ".only");
    }
    const auto saved = optimizer->state();
    EXPECT_EQ(saved.size(), names.size());
    for (const std::string& name : names) {
      EXPECT_TRUE(saved.contains(name)) << name;
    }
  }
}

TEST(Optimizers, ReadOnlyOptionsThatThereAre) {
  for (const OptimizerRow& row : kOptimizers) {
    for (const std::string_view option : row.options) {
      EXPECT_NE(try_find_optimizer_option(option), nullptr) << option;
    }
  }
}

TEST(Optimizer, LeavesAParameterWithoutGradientAsItIs) {
  const NamedParameter used = parameter("used");
  const NamedParameter unused = parameter("unused");
  const auto optimizer = make_plain(OptimizerKind::AdamW, {used, unused});
  used.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(0.1);
  EXPECT_FALSE(at::equal(used.tensor, at::ones({2, 3})));
  EXPECT_TRUE(at::equal(unused.tensor, at::ones({2, 3})));
  EXPECT_EQ(optimizer->state().count("optimizer.step.used"), 1U);
  EXPECT_EQ(optimizer->state().count("optimizer.step.unused"), 0U);
}

TEST(Optimizer, ZeroGradDropsTheGradients) {
  const NamedParameter only = parameter("only");
  const auto optimizer = make_plain(OptimizerKind::Sgd, {only});
  only.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->zero_grad();
  EXPECT_FALSE(only.tensor.grad().defined());
}

TEST(Optimizer, ReadsAGradientOfAnotherMemoryLayoutByIndex) {
  const NamedParameter only{"only", at::zeros({2, 3}).requires_grad_()};
  const auto optimizer = make_plain(OptimizerKind::Sgd, {only});
  const at::Tensor gradient = tensor_of<float>({1, 2, 3, 4, 5, 6}, {3, 2}).t();
  only.tensor.mutable_grad() = gradient;
  optimizer->step(1);
  EXPECT_TRUE(at::equal(only.tensor, -gradient));
}

TEST(Optimizer, MomentumStartsWhenAParameterGetsItsFirstGradient) {
  const NamedParameter early = parameter("early");
  const NamedParameter late = parameter("late");
  const auto optimizer = make_optimizer(
      {OptimizerKind::Sgd, {.momentum = 0.5, .dampening = 0.5}}, {early, late});
  early.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(1);
  late.tensor.mutable_grad() = at::ones({2, 3});
  optimizer->step(1);
  // The first step uses the gradient undamped, 1 - 1; the second 0.5 + 0.5.
  EXPECT_TRUE(at::equal(early.tensor, at::full({2, 3}, -1.0)));
  EXPECT_TRUE(at::equal(late.tensor, at::zeros({2, 3})));
}

/// Two parameters over one storage of 2 x 4 numbers, all 1: its first and its
/// last three columns, or all of it and its transpose.
std::vector<NamedParameter> columns_of(const at::Tensor& storage) {
  return {
      {"left", storage.narrow(1, 0, 3).detach().requires_grad_()},
      {"right", storage.narrow(1, 1, 3).detach().requires_grad_()}};
}
std::vector<NamedParameter> transposes_of(const at::Tensor& storage) {
  return {
      {"whole", storage.detach().requires_grad_()},
      {"turned", storage.t().detach().requires_grad_()}};
}

TEST(Optimizer, UpdatesParametersThatShareMemoryOneAfterTheOther) {
  for (const auto& make : {columns_of, transposes_of}) {
    const at::Tensor storage = at::ones({2, 4});
    const std::vector<NamedParameter> both = make(storage);
    const auto optimizer =
        make_optimizer({OptimizerKind::Sgd, {.weight_decay = 0.5}}, both);
    at::Tensor expected = at::ones({2, 4});
    const std::vector<NamedParameter> wanted = make(expected);
    for (size_t i = 0; i < both.size(); ++i) {
      const at::Tensor gradient = at::arange(both[i].tensor.numel(), at::kFloat)
                                      .view(both[i].tensor.sizes());
      both[i].tensor.mutable_grad() = gradient;
      at::Tensor updated = wanted[i].tensor.detach();
      updated.sub_(gradient.add(updated, 0.5), 0.25);
    }
    optimizer->step(0.25);
    EXPECT_TRUE(at::allclose(storage, expected, 1e-6, 1e-7)) << storage;
  }
}

TEST(Optimizer, MastersShareMemoryAsTheirParametersDo) {
  for (const auto& make : {columns_of, transposes_of}) {
    const at::Tensor storage = at::ones({2, 4}, at::kBFloat16);
    const std::vector<NamedParameter> both = make(storage);
    const auto optimizer = make_plain(OptimizerKind::Sgd, both);
    for (const NamedParameter& each : both) {
      // Each update alone is lost in the parameter's rounding.
      each.tensor.mutable_grad() =
          at::ones(each.tensor.sizes(), storage.options());
    }
    optimizer->step(0.001);
    const auto masters = optimizer->state();
    const at::Tensor first =
        masters.at("optimizer.master." + both[0].fqn).slice(1, 1, 3);
    EXPECT_TRUE(at::allclose(first, at::full({2, 2}, 1 - 2 * 0.001)));
    const auto resumed = make_plain(OptimizerKind::Sgd, both);
    resumed->load_state([&](const std::string& name) {
      return masters.contains(name) ? masters.at(name) : at::Tensor();
    });
    resumed->step(0.001);
    EXPECT_TRUE(at::allclose(
        resumed->state().at("optimizer.master." + both[0].fqn).slice(1, 1, 3),
        at::full({2, 2}, 1 - 4 * 0.001)));
  }
}

TEST(Optimizer, RefusesAParameterWhoseEntriesShareMemory) {
  const NamedParameter expanded{
      "e", at::ones({1, 3}).expand({2, 3}).detach().requires_grad_()};
  expect_error(
      ErrorKind::Input,
      {"'e' can't be trained", "share memory", "contiguous()"},
      [&] { make_plain(OptimizerKind::Sgd, {expanded}); });
}

TEST(Optimizer, CountsTheBytesOfItsState) {
  EXPECT_EQ(make_plain(OptimizerKind::Sgd, {parameter("a")})->state_bytes(), 0);
  EXPECT_EQ(
      make_optimizer({OptimizerKind::Sgd, {.momentum = 0.9}}, {parameter("a")})
          ->state_bytes(),
      24U);
  EXPECT_EQ(
      make_plain(OptimizerKind::AdamW, {parameter("a")})->state_bytes(), 52U);
}

TEST(Optimizer, NamesTheStateThatIsMissingOrDoesNotFit) {
  const auto optimizer = make_plain(OptimizerKind::AdamW, {parameter("a")});
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
  expect_error(ErrorKind::Input, {"it lacks 'optimizer.exp_avg.a'"}, load);
  saved.clear();
  expect_error(
      ErrorKind::Input, {"no optimizer state", "'optimizer.step.a'"}, load);
}

TEST(Optimizer, ChecksSavedStateWithoutLoadingIt) {
  const auto optimizer = make_plain(OptimizerKind::AdamW, {parameter("a")});
  std::map<std::string, at::Tensor> saved = {
      {"optimizer.step.a", at::ones({})},
      {"optimizer.exp_avg.a", at::ones({2, 3})},
      {"optimizer.exp_avg_sq.a", at::ones({2, 3})}};
  const auto check = [&](bool may_be_new) {
    optimizer->check_state(
        [&](const std::string& name) {
          return saved.count(name) > 0 ? saved[name] : at::Tensor();
        },
        may_be_new);
  };
  EXPECT_NO_THROW(check(false));
  EXPECT_TRUE(optimizer->state().empty());
  saved.erase("optimizer.exp_avg.a");
  expect_error(ErrorKind::Input, {"it lacks 'optimizer.exp_avg.a'"}, [&] {
    check(true);
  });
  saved.clear();
  EXPECT_NO_THROW(check(true));
  expect_error(
      ErrorKind::Input, {"no optimizer state", "'optimizer.step.a'"}, [&] {
        check(false);
      });
}

TEST(Optimizer, RefusesTheStateOfAnotherOrthogonalize) {
  OptimizerConfig config = plain(OptimizerKind::Muon);
  const NamedParameter matrix = parameter("a");
  for (const bool orthogonalize : {true, false}) {
    config.options.orthogonalize = orthogonalize;
    const auto trained = make_optimizer(config, {matrix});
    matrix.tensor.mutable_grad() = at::ones({2, 3});
    trained->step(0.1);
    const auto saved = trained->state();
    const auto find = [&](const std::string& name) {
      return saved.contains(name) ? saved.at(name) : at::Tensor();
    };
    EXPECT_NO_THROW(make_optimizer(config, {matrix})->check_state(find));
    config.options.orthogonalize = !orthogonalize;
    const auto other = make_optimizer(config, {matrix});
    expect_error(
        ErrorKind::Input,
        {orthogonalize ? "'optimizer.momentum_buffer.a' instead of"
                       : "instead of 'optimizer.momentum_buffer.a'",
         "orthogonalize must"},
        [&] { other->check_state(find, /*may_be_new=*/true); });
  }
}

TEST(Optimizer, ChecksTheSizesOfSavedAverages) {
  const auto optimizer = make_optimizer(
      {.kind = OptimizerKind::Sgd, .ema_decay = 0.5}, {parameter("a")});
  at::Tensor saved = at::ones({2, 3});
  const auto find = [&](const std::string& name) {
    return name == "optimizer.ema.a" ? saved : at::Tensor();
  };
  EXPECT_NO_THROW(optimizer->check_state(find));
  saved = at::ones({3});
  expect_error(
      ErrorKind::Input,
      {"'optimizer.ema.a' is float32 [3]", "needs float32 [2, 3]"},
      [&] { optimizer->check_state(find); });
}

TEST(Optimizer, WithoutStateLoadsFromNothing) {
  const auto nothing = [](const std::string&) { return at::Tensor(); };
  EXPECT_NO_THROW(
      make_plain(OptimizerKind::Sgd, {parameter("a")})->load_state(nothing));
  // A stage whose parameters are all frozen.
  EXPECT_NO_THROW(make_plain(OptimizerKind::AdamW, {})->load_state(nothing));
}

}  // namespace
}  // namespace pp
