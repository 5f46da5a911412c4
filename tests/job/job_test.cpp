#include "runtime/job/job.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/job/schema.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTraining = R"(
[model]
path = "gpt2.pt2"

[data]
batch_size = 32
inputs.input_ids = { path = "tokens.npy", window = 128 }
target = { path = "tokens.npy", window = 128, shift = 1 }

[train]
steps = 200
loss = { name = "cross_entropy", output = "logits" }
optimizer = { name = "adamw", lr = 3e-4 }
)";

Job parse(
    const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job(text, "jobs/gpt2.toml", "/jobs", overrides);
}

TEST(Job, WhatIsNotGivenHasTheDefaults) {
  const Job job = parse(kTraining);
  EXPECT_EQ(job.model.path, "/jobs/gpt2.pt2");
  EXPECT_EQ(job.model.mode, Mode::Exported);
  EXPECT_TRUE(job.split.at.empty());
  EXPECT_EQ(job.pipeline, PipelineConfig());
  EXPECT_EQ(job.parallel.replicas, 1);
  EXPECT_TRUE(job.data.shuffle);
  EXPECT_FALSE(job.data.drop_last);
  EXPECT_EQ(job.data.inputs.at("input_ids").split_dim, 0);
  EXPECT_EQ(job.data.inputs.at("input_ids").shift, 0);
  EXPECT_FALSE(job.eval.has_value());
  EXPECT_EQ(job.train->lr_schedule, LrSchedule());
  EXPECT_FALSE(job.train->clip_grad_norm.has_value());
  EXPECT_EQ(job.seed(), 0U);
  EXPECT_EQ(job.output.dir, "/jobs/runs/gpt2");
  EXPECT_FALSE(job.output.save.has_value());
  EXPECT_EQ(job.output.keep, 3);
}

TEST(Job, NamesWithDotsNeedNoQuotes) {
  const std::string head = "model.path = 'm.pt2'\n[data]\nbatch_size = 2\n";
  const Job quoted = parse(
      head +
      "inputs.\"cond.text\" = { path = 'a.npy' }\n"
      "inputs.\"cond.ids\".path = 'b.npy'\n"
      "inputs.cond.path = 'c.npy'\n"
      "[output.outputs]\n\"out.a\" = { join = 1 }\n");
  const Job nested = parse(
      head +
      "inputs.cond.text = { path = 'a.npy' }\n"
      "inputs.cond.ids.path = 'b.npy'\n"
      "inputs.cond.path = 'c.npy'\n"
      "[output.outputs.out]\na = { join = 1 }\n");
  EXPECT_EQ(quoted, nested);
  EXPECT_EQ(quoted.written.values, nested.written.values);
  ASSERT_EQ(nested.data.inputs.size(), 3);
  EXPECT_EQ(nested.data.inputs.at("cond.text").path, "/jobs/a.npy");
  EXPECT_EQ(nested.output.outputs.at("out.a").dimension, 1);
  // --set finds the input however it is written.
  for (const char* key : {"cond.text", "\"cond.text\""}) {
    const Job job = parse(
        head + "inputs.\"cond.text\" = { path = 'a.pt', key = 'k' }\n",
        {"data.inputs." + std::string(key) + ".path=z.pt"});
    EXPECT_EQ(job.data.inputs.at("cond.text").path, "/jobs/z.pt");
    EXPECT_EQ(job.data.inputs.at("cond.text").key, "k");
  }
}

TEST(Job, KnowsWhereEachKeyStands) {
  const Job job = parse(
      "[model]\npath = 'm.pt2'\n[split]\nat = ['a',\n  'b']\n",
      {"pipeline.ranks=3"});
  EXPECT_EQ(job.written.place_of({"split.at"}), "jobs/gpt2.toml:4:1: ");
  EXPECT_EQ(job.written.place_of({"split.at.1"}), "jobs/gpt2.toml:5:3: ");
  EXPECT_EQ(
      job.written.place_of({"train.steps", "pipeline.ranks"}),
      "--set pipeline.ranks=3: ");
  EXPECT_EQ(job.written.place_of({"train.steps"}), "");
}

constexpr auto kEveryKey = R"(
[model]
path = "/models/gpt2.pt2"
mode = "train"
checkpoint = "runs/x/checkpoints/step_200"
[split]
stages = 4
balance = "time"
[pipeline]
schedule = "GPipe"
microbatches = 8
ranks = 4
launcher = "processes"
threads_per_rank = 2
stall_timeout = 1.5
[data]
batch_size = 32
shuffle = false
drop_last = true
inputs.x = { path = "a-*.safetensors", key = "pixels", split_dim = 1 }
inputs."m.ask" = { path = "mask.npy", split_dim = "none" }
inputs.raw = { path = "raw.bin", dtype = "uint16", shape = [3, 4] }
inputs.ids = { path = "../ids.npy", window = 8, shift = 2, stride = 4 }
target = { path = "y.npy" }
[train]
epochs = 3
accumulate = 2
precision = "bf16"
groups = [{ match = "*.bias", weight_decay = 0.5 }]
freeze = ["*.wte.*"]
loss = { name = "mse", output = "logits" }
optimizer = { name = "sgd", lr = 1, momentum = 0.9, nesterov = true }
lr_schedule = { name = "cosine", warmup = 20, min_lr = 1e-5 }
clip_grad_norm = 1.0
seed = 7
[eval]
every = 50
data.batch_size = 64
data.inputs.x = { path = "val.npy" }
data.target.path = "val_y.npy"
[output]
dir = "out"
checkpoint_every = 50
keep = 0
save = ["logits"]
outputs.logits = { join = 1, reduce = "argmax" }
outputs.loss = { join = "mean" }
)";

TEST(Job, EveryModelAndPipelineKeyReachesItsMember) {
  const Job job = parse(kEveryKey);
  EXPECT_EQ(job.model.path, "/models/gpt2.pt2");
  EXPECT_EQ(job.model.mode, Mode::Train);
  EXPECT_EQ(job.model.checkpoint, "/jobs/runs/x/checkpoints/step_200");
  EXPECT_EQ(job.split.num_stages, 4);
  EXPECT_EQ(job.split.balance, Balance::Time);
  EXPECT_EQ(job.pipeline.schedule, "GPipe");
  EXPECT_EQ(job.pipeline.microbatches, 8);
  EXPECT_EQ(job.pipeline.ranks, 4);
  EXPECT_EQ(job.pipeline.launcher, LauncherKind::Processes);
  EXPECT_EQ(job.pipeline.threads_per_rank, 2);
  EXPECT_EQ(job.pipeline.stall_timeout, std::chrono::milliseconds(1500));
}

TEST(Job, EveryDataKeyReachesItsMember) {
  const Job job = parse(kEveryKey);
  EXPECT_EQ(job.data.batch_size, 32);
  EXPECT_FALSE(job.data.shuffle);
  EXPECT_TRUE(job.data.drop_last);
  const auto& inputs = job.data.inputs;
  EXPECT_EQ(inputs.at("x").path, "/jobs/a-*.safetensors");
  EXPECT_EQ(inputs.at("x").key, "pixels");
  EXPECT_EQ(inputs.at("x").split_dim, 1);
  EXPECT_EQ(inputs.at("m.ask").split_dim, std::nullopt);
  EXPECT_EQ(inputs.at("raw").dtype, ir::ScalarType::UInt16);
  EXPECT_EQ(inputs.at("raw").shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(inputs.at("ids").path, "/ids.npy");
  EXPECT_EQ(inputs.at("ids").window, 8);
  EXPECT_EQ(inputs.at("ids").shift, 2);
  EXPECT_EQ(inputs.at("ids").stride, 4);
  EXPECT_EQ(job.data.target->path, "/jobs/y.npy");
}

TEST(Job, EveryTrainKeyReachesItsMember) {
  const Job job = parse(kEveryKey);
  const TrainConfig& train = *job.train;
  EXPECT_EQ(train.epochs, 3);
  EXPECT_EQ(train.loss.kind, LossKind::Mse);
  EXPECT_EQ(train.loss.output, "logits");
  EXPECT_EQ(train.optimizer.kind, OptimizerKind::Sgd);
  const OptimizerOptions options = {.lr = 1, .momentum = 0.9, .nesterov = true};
  EXPECT_EQ(train.optimizer.options, options);
  EXPECT_EQ(train.precision, Precision::BFloat16);
  EXPECT_EQ(train.accumulate, 2);
  ASSERT_EQ(train.optimizer.groups.size(), 1U);
  EXPECT_EQ(train.optimizer.groups[0].match, "*.bias");
  OptimizerOptions of_group = options;
  of_group.weight_decay = 0.5;
  EXPECT_EQ(train.optimizer.groups[0].options, of_group);
  EXPECT_EQ(train.freeze, std::vector<std::string>{"*.wte.*"});
  EXPECT_EQ(train.lr_schedule.shape, LrShape::Cosine);
  EXPECT_EQ(train.lr_schedule.warmup, 20);
  EXPECT_EQ(train.lr_schedule.min_lr, 1e-5);
  EXPECT_EQ(train.clip_grad_norm, 1.0);
  EXPECT_EQ(job.seed(), 7U);
}

TEST(Job, EveryEvalAndOutputKeyReachesItsMember) {
  const Job job = parse(kEveryKey);
  EXPECT_EQ(job.eval->every, 50);
  EXPECT_EQ(job.eval->data.batch_size, 64);
  EXPECT_FALSE(job.eval->data.shuffle);
  EXPECT_EQ(job.eval->data.inputs.at("x").path, "/jobs/val.npy");
  EXPECT_EQ(job.eval->data.target->path, "/jobs/val_y.npy");
  EXPECT_EQ(job.output.dir, "/jobs/out");
  EXPECT_EQ(job.output.checkpoint_every, 50);
  EXPECT_EQ(job.output.keep, 0);
  EXPECT_EQ(job.output.save, std::vector<std::string>{"logits"});
  EXPECT_EQ(job.output.outputs.at("logits").join, Join::Dimension);
  EXPECT_EQ(job.output.outputs.at("logits").dimension, 1);
  EXPECT_EQ(job.output.outputs.at("logits").reduce, Reduce::Argmax);
  EXPECT_EQ(job.output.outputs.at("loss").join, Join::Mean);
}

TEST(Job, EvalTakesTheBatchSizeOfTheTrainingData) {
  const Job job = parse(
      std::string(kTraining) +
      "[eval]\ndata.inputs.input_ids = { path = \"v.npy\", window = 128 }\n"
      "data.target = { path = \"v.npy\", window = 128, shift = 1 }\n");
  EXPECT_EQ(job.eval->data.batch_size, 32);
}

/// Writes each default of job_keys() into a job, which must not change it.
/// The options under which a key may be set: many belong to one optimizer, one
/// schedule of rates, or a table that is off unless it is given.
std::vector<std::string> options_with(
    const std::string& base, const std::string& path) {
  const std::vector<std::vector<std::string>> candidates = {
      {"train.optimizer={name='sgd'}"},
      {"train.optimizer={name='adam'}"},
      {"train.optimizer={name='muon'}"},
      {"train.optimizer={name='lion'}"},
      {"train.optimizer={name='sgd'}", "eval.every=1", "train.early_stop={}"},
      {"train.optimizer={name='sgd'}", "train.lr_schedule={name='wsd'}"},
      {"train.optimizer={name='sgd'}", "train.lr_schedule={name='one_cycle'}"},
  };
  for (const auto& candidate : candidates) {
    std::vector<std::string> with = candidate;
    for (const JobKey& key : job_keys()) {
      if (key.path == path) {
        with.push_back(path + "=" + std::string(key.default_value));
      }
    }
    try {
      parse(base, with);
      return candidate;
    } catch (const Error&) {
      // The key belongs to another one.
    }
  }
  return candidates.front();
}

TEST(Job, DefaultsOfTheTableAreThoseOfTheStructs) {
  const std::string base = std::string(kTraining) +
                           "[eval]\n"
                           "data.inputs.input_ids.path = \"v.npy\"\n"
                           "data.inputs.input_ids.window = 8\n"
                           "data.target.path = \"v.npy\"\n";
  int compared = 0;
  for (const JobKey& key : job_keys()) {
    if (key.default_value.empty() || key.path == "split.balance") {
      continue;  // needs split.stages
    }
    std::string path(key.path);
    if (const size_t name = path.find("<name>"); name != std::string::npos) {
      path.replace(name, 6, "input_ids");
    }
    std::vector<std::string> with = options_with(base, path);
    const Job without = parse(base, with);
    with.push_back(path + "=" + std::string(key.default_value));
    const Job job = parse(base, with);
    EXPECT_EQ(job, without) << with.back();
    ++compared;
  }
  EXPECT_GT(compared, 25);
}

TEST(Job, ASetValueIsTomlOrElseAString) {
  const Job job = parse(
      kTraining,
      {"train.steps=10",
       "pipeline.schedule=GPipe",
       "output.dir=\"x y\"",
       "train.optimizer={name='sgd', lr=0.5}",
       "data.target.shift=3",
       "output.save=[\"a\"]",
       "train.steps=11"});
  EXPECT_EQ(job.train->steps, 11);
  EXPECT_EQ(job.pipeline.schedule, "GPipe");
  EXPECT_EQ(job.output.dir, "/jobs/x y");
  EXPECT_EQ(job.train->optimizer.kind, OptimizerKind::Sgd);
  EXPECT_EQ(job.train->optimizer.options, OptimizerOptions{.lr = 0.5});
  EXPECT_EQ(job.data.target->shift, 3);
  EXPECT_EQ(job.data.target->window, 128);
  EXPECT_EQ(job.output.save, std::vector<std::string>{"a"});
}

TEST(Job, AScheduleFileIsRelativeToTheJobFile) {
  EXPECT_EQ(
      parse(kTraining, {"pipeline.schedule=mine.csv"}).pipeline.schedule,
      "/jobs/mine.csv");
}

TEST(Job, AStageDirectoryIsAJob) {
  const Job job = job_for_stages("some/stages/", {"pipeline.ranks=2"});
  EXPECT_EQ(job.model.stages, fs::current_path() / "some/stages/");
  EXPECT_TRUE(job.model.path.empty());
  EXPECT_EQ(job.pipeline.ranks, 2);
  EXPECT_FALSE(job.train.has_value());
  EXPECT_FALSE(job.has_data());
  EXPECT_EQ(job.output.dir, fs::current_path() / "runs/stages");
}

TEST(Job, AListOfStagesAndWeightsAreRelativeToTheJobFile) {
  const Job job = parse_job(
      "[model]\nstages = ['a.pt2', '/b.pt']\nweights = 'hf/*.safetensors'\n"
      "[pipeline]\nstages_per_rank = 2\n",
      "job.toml",
      "/jobs");
  EXPECT_EQ(
      job.model.stage_files, (std::vector<fs::path>{"/jobs/a.pt2", "/b.pt"}));
  EXPECT_TRUE(job.model.stages.empty());
  EXPECT_EQ(job.model.weights, "/jobs/hf/*.safetensors");
  EXPECT_EQ(job.pipeline.stages_per_rank, 2);
}

TEST(Job, ReadsAFile) {
  const fs::path folder = fs::path(testing::TempDir()) / "job_reads_a_file";
  fs::create_directories(folder);
  std::ofstream(folder / "mine.toml") << kTraining;
  const Job job = load_job(folder / "mine.toml");
  EXPECT_EQ(job.file, folder / "mine.toml");
  EXPECT_EQ(job.model.path, folder / "gpt2.pt2");
  EXPECT_EQ(job.output.dir, folder / "runs/mine");
  fs::remove_all(folder);
}

TEST(Job, TheConfigsOfTheProjectAreValid) {
  int seen = 0;
  for (const auto& entry :
       fs::directory_iterator(test::project_folder() / "configs")) {
    if (entry.path().extension() == ".toml") {
      EXPECT_NO_THROW(load_job(entry.path())) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace pp
