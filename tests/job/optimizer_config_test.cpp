#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/job/job.h"

// The optimizer of a job: defaults, groups, and what can't be combined.
namespace pp {
namespace {

constexpr const char* kJob =
    "model.path = 'm.pt2'\n[data]\nbatch_size = 8\n"
    "inputs.x.path = 'x.npy'\ntarget.path = 'y.npy'\n"
    "[train]\nsteps = 4\nloss.name = 'mse'\n";

OptimizerConfig parse(const std::string& train) {
  return parse_job(kJob + train, "job.toml", "/jobs").train->optimizer;
}

void expect_refused(const std::string& train, const std::string& message) {
  try {
    parse(train);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), message);
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
  }
}

TEST(OptimizerConfig, DefaultsAreTorchs) {
  const OptimizerOptions adamw = parse("optimizer.name = 'adamw'").options;
  EXPECT_EQ(adamw.lr, 1e-3);
  EXPECT_EQ(adamw.weight_decay, 1e-2);
  EXPECT_EQ(adamw.betas[0], 0.9);
  EXPECT_EQ(adamw.betas[1], 0.999);
  EXPECT_EQ(adamw.eps, 1e-8);
  EXPECT_EQ(parse("optimizer.name = 'adam'").options.weight_decay, 0);
  EXPECT_EQ(parse("optimizer.name = 'sgd'").options.momentum, 0);
  const OptimizerOptions muon = parse("optimizer.name = 'muon'").options;
  EXPECT_EQ(muon.lr, 1e-3);
  EXPECT_EQ(muon.weight_decay, 0.1);
  EXPECT_EQ(muon.momentum, 0.95);
  EXPECT_TRUE(muon.nesterov);
  EXPECT_EQ(muon.ns_steps, 5);
  EXPECT_EQ(muon.adjust_lr_fn, AdjustLr::Original);
}

TEST(OptimizerConfig, LionHasDefaultsOfItsOwn) {
  const OptimizerOptions lion = parse("optimizer.name = 'lion'").options;
  EXPECT_EQ(lion.lr, 1e-4);
  EXPECT_EQ(lion.weight_decay, 0);
  EXPECT_EQ(lion.betas[1], 0.99);
}

TEST(OptimizerConfig, OfMuonReachesItsMembers) {
  const OptimizerConfig config = parse(
      "optimizer = { name = 'Muon', ns_steps = 3, adjust_lr_fn = "
      "'match_rms_adamw' }\n"
      "groups = [{ match = 'head.*', orthogonalize = false }]\n");
  EXPECT_EQ(config.options.ns_steps, 3);
  EXPECT_EQ(config.options.adjust_lr_fn, AdjustLr::MatchRmsAdamW);
  EXPECT_TRUE(config.options_of("a.weight").orthogonalize);
  EXPECT_FALSE(config.options_of("head.weight").orthogonalize);
}

TEST(OptimizerConfig, MuonKeepsAMomentumForMatricesAndAdamsStatesElse) {
  const OptimizerConfig config = parse("optimizer.name = 'muon'");
  const auto names = [&](const ParameterForm& form) {
    std::string all;
    for (const OptimizerState& state : config.states(config.options, form)) {
      all += std::string(state.name) + " ";
    }
    return all;
  };
  EXPECT_EQ(names({.num_dims = 2}), "momentum_buffer ");
  EXPECT_EQ(names({.num_dims = 1}), "step exp_avg exp_avg_sq ");
  EXPECT_EQ(names({.num_dims = 4}), "step exp_avg exp_avg_sq ");
  EXPECT_EQ(
      names({.num_dims = 2, .is_complex = true}), "step exp_avg exp_avg_sq ");
}

TEST(OptimizerConfig, TheFirstGroupThatMatchesHolds) {
  const OptimizerConfig config = parse(
      "optimizer = { name = 'adamw', lr = 0.5, weight_decay = 0.1 }\n"
      "groups = [{ match = '*.bias', weight_decay = 0 },\n"
      "  { match = 'a.*', lr = 0.25, weight_decay = 0.2 }]\n");
  EXPECT_EQ(config.options_of("a.bias").weight_decay, 0);
  EXPECT_EQ(config.options_of("a.bias").lr, 0.5);
  EXPECT_EQ(config.options_of("a.weight").weight_decay, 0.2);
  EXPECT_EQ(config.options_of("a.weight").lr, 0.25);
  EXPECT_EQ(config.options_of("b.weight").weight_decay, 0.1);
}

TEST(OptimizerConfig, WrongOnesAreRefusedAndTheMessageSaysWhatIsRight) {
  expect_refused(
      "optimizer.name = 'adamm'",
      "job.toml:9:18: train.optimizer.name: expected `sgd`, `adam`, `adamw`, "
      "`lion` or `muon`, got \"adamm\"; did you mean 'adam' or 'adamw'?");
  expect_refused(
      "optimizer = { name = 'adamw', momentum = 0.9 }",
      "job.toml:9:31: train.optimizer.momentum is not an option of adamw; its "
      "options are lr, weight_decay, betas, eps, amsgrad");
  expect_refused(
      "optimizer = { name = 'adamw', weight_decy = 0.9 }",
      "job.toml:9:31: unknown key 'train.optimizer.weight_decy'; did you mean "
      "'train.optimizer.weight_decay'?");
  expect_refused(
      "optimizer = { name = 'sgd', nesterov = 1.0 }",
      "job.toml:9:40: train.optimizer.nesterov: expected `true` or `false`, "
      "got 1");
  expect_refused(
      "optimizer = { name = 'adam', betas = 0.9 }",
      "job.toml:9:38: train.optimizer.betas: expected a list of two numbers "
      ">= 0 and < 1, got 0.9");
  expect_refused(
      "optimizer = { name = 'adam', betas = [0.9] }",
      "job.toml:9:38: train.optimizer.betas: expected a list of two numbers "
      ">= 0 and < 1, got [0.9]");
  expect_refused(
      "optimizer = { name = 'sgd', lr = -1.0 }",
      "job.toml:9:34: train.optimizer.lr: expected a number >= 0, got -1");
  expect_refused(
      "optimizer = { name = 'sgd', nesterov = true }",
      "job.toml:9:1: train.optimizer: sgd: nesterov needs a momentum above 0 "
      "and no dampening");
  expect_refused(
      "optimizer.name = 'sgd'\ngroups = [{ match = 'a.*', epss = 0.1 }]",
      "job.toml:10:28: unknown key 'epss' in train.groups; a group has match "
      "and the optimizer's options");
  expect_refused(
      "optimizer.name = 'sgd'\ngroups = [{ match = 'a.*', eps = 0.1 }]",
      "job.toml:10:1: train.groups.eps is not an option of sgd; its options "
      "are lr, weight_decay, momentum, dampening, nesterov");
  expect_refused(
      "optimizer = { name = 'muon', adjust_lr_fn = 'origin' }",
      "job.toml:9:45: train.optimizer.adjust_lr_fn: expected `original`, "
      "`match_rms_adamw` or `spectral_unclamped`, got \"origin\"; did you mean "
      "'original'?");
  expect_refused(
      "optimizer = { name = 'muon', ns_steps = 100 }",
      "job.toml:9:41: train.optimizer.ns_steps: expected an integer >= 0 and "
      "< 100, got 100");
  expect_refused(
      "optimizer.name = 'muon'\n[parallel]\nreplicas = 2\nzero = 1",
      "job.toml:12:1: parallel.zero divides every parameter among the "
      "replicas, but muon updates whole matrices; write zero = 0, or choose "
      "another train.optimizer");
  expect_refused(
      "optimizer = { name = 'sgd', lr = 0 }\n"
      "groups = [{ match = 'a.*', lr = 0.1 }]",
      "job.toml:9:1: train.optimizer: sgd: a group's lr changes in "
      "proportion to the job's lr, so the job's lr must be above 0");
}

}  // namespace
}  // namespace pp
