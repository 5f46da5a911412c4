#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/job/job.h"

// Learning rates, losses, metrics, early ends and seeds of a job.
namespace pp {
namespace {

constexpr const char* kStart =
    "model.path = 'm.pt2'\n[data]\nbatch_size = 8\n"
    "inputs.x.path = 'x.npy'\ntarget.path = 'y.npy'\n";
constexpr const char* kTrainTable =
    "[train]\nsteps = 40\noptimizer.name = 'sgd'\n";
constexpr const char* kEvalTable =
    "[eval]\ndata.inputs.x.path = 'v.npy'\ndata.target.path = 'w.npy'\n";

/// A job whose line 9 is `train`, in [train], and whose line 13, after the
/// tables, is `rest`.
Job parse(const std::string& train, const std::string& rest = "") {
  const bool has_loss = train.starts_with("loss");
  return parse_job(
      std::string(kStart) + kTrainTable + train + "\n" +
          (has_loss ? "" : "loss.name = 'cross_entropy'\n") + rest,
      "job.toml",
      "/jobs");
}

void expect_refused(
    const std::string& train,
    const std::string& message,
    const std::string& rest = "") {
  try {
    parse(train, rest);
    FAIL() << "accepted: " << train;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), message);
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
  }
}

TEST(TrainOptions, OfLearningRatesReachTheirMembers) {
  const LrSchedule wsd =
      parse(
          "lr_schedule = { name = 'wsd', warmup = 4, decay = 10, anneal = "
          "'sqrt' }")
          .train->lr_schedule;
  EXPECT_EQ(wsd.shape, LrShape::Wsd);
  EXPECT_EQ(wsd.decay, 10);
  EXPECT_EQ(wsd.anneal, LrAnneal::Sqrt);
  const LrSchedule cycle =
      parse(
          "lr_schedule = { name = 'OneCycle', pct_start = 0.5, div_factor = "
          "10, final_div_factor = 100 }")
          .train->lr_schedule;
  EXPECT_EQ(cycle.shape, LrShape::OneCycle);
  EXPECT_EQ(cycle.anneal, std::nullopt);
  EXPECT_EQ(cycle.pct_start, 0.5);
  EXPECT_EQ(cycle.div_factor, 10);
  EXPECT_EQ(cycle.final_div_factor, 100);
}

TEST(TrainOptions, OfAnotherScheduleAreRefused) {
  expect_refused(
      "lr_schedule = { name = 'one_cycle', warmup = 4 }",
      "job.toml:9:37: train.lr_schedule.warmup is not an option of one_cycle; "
      "its options are anneal, pct_start, div_factor, final_div_factor");
  expect_refused(
      "lr_schedule = { name = 'cosine', decay = 4 }",
      "job.toml:9:34: train.lr_schedule.decay is not an option of cosine; its "
      "options are warmup, min_lr");
  expect_refused(
      "lr_schedule = { name = 'one_cycle', anneal = 'sqrt' }",
      "job.toml:9:37: train.lr_schedule.anneal is \"sqrt\", but one_cycle has "
      "only \"linear\" and \"cosine\", as OneCycleLR");
  expect_refused(
      "lr_schedule = { name = 'wsd', warmup = 10, decay = 31 }",
      "job.toml:9:44: train.lr_schedule.decay is 31, more than the 30 steps "
      "after the warm-up");
}

TEST(TrainOptions, OfLossesReachTheirMembers) {
  const LossConfig listed =
      parse(
          "loss = { name = 'cross_entropy', label_smoothing = 0.1, weights = "
          "[1, 0.5] }")
          .train->loss;
  EXPECT_EQ(listed.label_smoothing, 0.1);
  EXPECT_EQ(listed.weights.values, (std::vector<double>{1, 0.5}));
  const LossConfig in_file =
      parse("loss = { name = 'nll', weights = 'w.npy' }").train->loss;
  EXPECT_EQ(in_file.weights.path, "/jobs/w.npy");
  EXPECT_TRUE(in_file.weights.values.empty());
}

TEST(TrainOptions, OfAnotherLossAreRefused) {
  expect_refused(
      "loss = { name = 'nll', label_smoothing = 0.1 }",
      "job.toml:9:24: train.loss.label_smoothing is not an option of nll; its "
      "options are weights");
  expect_refused(
      "loss = { name = 'mse', weights = [1] }",
      "job.toml:9:24: train.loss.weights is not an option of mse");
  expect_refused(
      "loss = { path = 'loss.pt2', weights = [1] }",
      "job.toml:9:29: train.loss.weights is not an option of a loss without a "
      "name");
  expect_refused(
      "loss = { name = 'nll', weights = [] }",
      "job.toml:9:24: train.loss.weights is empty; give one weight for each "
      "class");
  expect_refused(
      "loss = { name = 'nll', weights = [0, 0.0] }",
      "job.toml:9:24: train.loss.weights has only zeros, so there is no loss");
  expect_refused(
      "loss = { name = 'nll', weights = [1, -1] }",
      "job.toml:9:38: train.loss.weights: expected a string, or a list of "
      "numbers >= 0, got -1");
  expect_refused(
      "loss = { name = 'cross_entropy', label_smoothing = 1.5 }",
      "job.toml:9:52: train.loss.label_smoothing: expected a number from 0 to "
      "1, got 1.5");
}

TEST(TrainOptions, OfEvaluationsReachTheirMembers) {
  const Job job = parse(
      "early_stop = 'Accuracy'",
      std::string(kEvalTable) +
          "every = 4\nmetrics = ['accuracy', 'accuracy_top5', 'perplexity']\n"
          "[output]\nkeep_best = 'loss'\n");
  EXPECT_EQ(job.eval->metrics.size(), 3U);
  EXPECT_EQ(job.eval->metrics[1], EvalMetric::AccuracyTop5);
  EXPECT_EQ(job.train->early_stop->metric, EvalMetric::Accuracy);
  EXPECT_EQ(job.train->early_stop->patience, 3);
  EXPECT_EQ(job.train->early_stop->min_delta, 0);
  EXPECT_EQ(job.output.keep_best, EvalMetric::Loss);
  EXPECT_FALSE(parse("accumulate = 1").train->early_stop.has_value());
}

TEST(TrainOptions, OfEvaluationsNeedTheNumbersTheyRead) {
  expect_refused(
      "early_stop.patience = 2",
      "job.toml:9:1: train.early_stop needs [eval], which gives the number to "
      "compare");
  expect_refused(
      "early_stop.metric = 'accuracy'",
      "job.toml:9:1: train.early_stop: evaluations don't give accuracy; add "
      "\"accuracy\" to eval.metrics",
      kEvalTable);
  expect_refused(
      "accumulate = 1",
      "job.toml:15:1: output.keep_best: evaluations don't give perplexity; add "
      "\"perplexity\" to eval.metrics",
      std::string(kEvalTable) + "[output]\nkeep_best = 'perplexity'\n");
  expect_refused(
      "loss.name = 'mse'",
      "job.toml:13:1: eval.metrics: accuracy compares class scores with "
      "classes, so train.loss.name must be cross_entropy or nll",
      std::string(kEvalTable) + "metrics = 'accuracy'\n");
}

TEST(TrainOptions, ThatFollowEvaluationsNeedMoreThanTheLastOne) {
  expect_refused(
      "early_stop.patience = 2",
      "job.toml:9:1: train.early_stop needs eval.every: without it there is "
      "one evaluation, at the end",
      kEvalTable);
  expect_refused(
      "accumulate = 1",
      "job.toml:15:1: output.keep_best needs eval.every: without it there is "
      "one evaluation, at the end",
      std::string(kEvalTable) + "[output]\nkeep_best = 'loss'\n");
}

TEST(TrainOptions, OfAveragesNeedADecay) {
  EXPECT_EQ(parse("ema.decay = 0.5").train->optimizer.ema_decay, 0.5);
  expect_refused(
      "ema = {}", "job.toml:9:1: train.ema needs decay, such as 0.999");
}

TEST(TrainOptions, AnExportNeedsSteps) {
  const std::string output = "[output]\nexport_dtype = 'bfloat16'\n";
  EXPECT_EQ(
      parse("accumulate = 1", output).output.export_dtype,
      ExportDtype::BFloat16);
  try {
    parse_job(
        std::string(kStart) + "[train]\nsteps = 0\nloss.name = 'nll'\n" +
            kEvalTable + output,
        "job.toml",
        "/jobs");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "job.toml:13:1: output.export_dtype needs a training: set train.steps "
        "or train.epochs");
  }
}

TEST(TrainOptions, TheTimeIsANumberOfSecondsOrAText) {
  EXPECT_EQ(
      parse("max_time = 1.5").train->max_time, std::chrono::milliseconds(1500));
  EXPECT_EQ(
      parse("max_time = '2h30m'").train->max_time, std::chrono::minutes(150));
  EXPECT_EQ(parse("accumulate = 1").train->max_time, std::nullopt);
  expect_refused(
      "max_time = '2 hours'",
      "job.toml:9:12: train.max_time: '2 hours' is no duration; write seconds, "
      "or days, hours, minutes and seconds as in \"1d12h\", \"2h30m\" or "
      "\"90s\"");
  expect_refused(
      "max_time = 0",
      "job.toml:9:12: train.max_time: expected a number > 0, or a string, got "
      "0");
}

TEST(TrainOptions, TheSeedMayBeThatOfTheClock) {
  EXPECT_TRUE(parse("seed = 'clock'").train->seed_from_clock);
  EXPECT_FALSE(parse("seed = 3").train->seed_from_clock);
  expect_refused(
      "seed = 'random'",
      "job.toml:9:8: train.seed: expected an integer >= 0, or `clock`, got "
      "\"random\"; did you mean 'clock'?");
}

}  // namespace
}  // namespace pp
