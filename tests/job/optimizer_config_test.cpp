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
      "job.toml:9:18: train.optimizer.name: expected `sgd`, `adam` or "
      "`adamw`, got \"adamm\"; did you mean 'adam' or 'adamw'?");
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
      "optimizer = { name = 'sgd', lr = 0 }\n"
      "groups = [{ match = 'a.*', lr = 0.1 }]",
      "job.toml:9:1: train.optimizer: sgd: a group's lr changes in "
      "proportion to the job's lr, so the job's lr must be above 0");
}

}  // namespace
}  // namespace pp
