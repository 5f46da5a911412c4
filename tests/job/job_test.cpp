#include "runtime/job/job.h"

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
  EXPECT_EQ(job.model.mode, "exported");
  EXPECT_TRUE(job.split.at.empty());
  EXPECT_EQ(job.pipeline, PipelineConfig());
  EXPECT_EQ(job.parallel.replicas, 1);
  EXPECT_TRUE(job.data.shuffle);
  EXPECT_FALSE(job.data.drop_last);
  EXPECT_EQ(job.data.inputs.at("input_ids").split_dim, 0);
  EXPECT_EQ(job.data.inputs.at("input_ids").shift, 0);
  EXPECT_FALSE(job.eval.has_value());
  EXPECT_EQ(job.train->lr_schedule, LrScheduleConfig());
  EXPECT_FALSE(job.train->clip_grad_norm.has_value());
  EXPECT_EQ(job.seed(), 0U);
  EXPECT_EQ(job.output.dir, "/jobs/runs/gpt2");
  EXPECT_FALSE(job.output.save.has_value());
  EXPECT_EQ(job.output.keep, 3);
}

TEST(Job, EveryKeyReachesItsMember) {
  const Job job = parse(R"(
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
groups = [{ match = "*.bias", weight_decay = 0 }]
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
)");
  EXPECT_EQ(job.model.path, "/models/gpt2.pt2");
  EXPECT_EQ(job.model.mode, "train");
  EXPECT_EQ(job.model.checkpoint, "/jobs/runs/x/checkpoints/step_200");
  EXPECT_EQ(job.split.stages, 4);
  EXPECT_EQ(job.split.balance, "time");
  EXPECT_EQ(job.pipeline.schedule, "GPipe");
  EXPECT_EQ(job.pipeline.microbatches, 8);
  EXPECT_EQ(job.pipeline.ranks, 4);
  EXPECT_EQ(job.pipeline.launcher, "processes");
  EXPECT_EQ(job.pipeline.threads_per_rank, 2);
  EXPECT_EQ(job.pipeline.stall_timeout, 1.5);
  EXPECT_EQ(job.data.batch_size, 32);
  EXPECT_FALSE(job.data.shuffle);
  EXPECT_TRUE(job.data.drop_last);
  const auto& inputs = job.data.inputs;
  EXPECT_EQ(inputs.at("x").path, "/jobs/a-*.safetensors");
  EXPECT_EQ(inputs.at("x").key, "pixels");
  EXPECT_EQ(inputs.at("x").split_dim, 1);
  EXPECT_EQ(inputs.at("m.ask").split_dim, std::nullopt);
  EXPECT_EQ(inputs.at("raw").dtype, "uint16");
  EXPECT_EQ(inputs.at("raw").shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(inputs.at("ids").path, "/ids.npy");
  EXPECT_EQ(inputs.at("ids").window, 8);
  EXPECT_EQ(inputs.at("ids").shift, 2);
  EXPECT_EQ(inputs.at("ids").stride, 4);
  EXPECT_EQ(job.data.target->path, "/jobs/y.npy");
  const TrainConfig& train = *job.train;
  EXPECT_EQ(train.epochs, 3);
  EXPECT_EQ(train.loss.name, "mse");
  EXPECT_EQ(train.loss.output, "logits");
  EXPECT_EQ(train.optimizer.name, "sgd");
  const OptimizerOptionMap options = {
      {"lr", 1.0}, {"momentum", 0.9}, {"nesterov", true}};
  EXPECT_EQ(train.optimizer.options, options);
  EXPECT_EQ(train.precision, "bf16");
  EXPECT_EQ(train.accumulate, 2);
  ASSERT_EQ(train.groups.size(), 1U);
  EXPECT_EQ(train.groups[0].match, "*.bias");
  EXPECT_EQ(
      train.groups[0].options, (OptimizerOptionMap{{"weight_decay", 0.0}}));
  EXPECT_EQ(train.freeze, std::vector<std::string>{"*.wte.*"});
  EXPECT_EQ(train.lr_schedule.name, "cosine");
  EXPECT_EQ(train.lr_schedule.warmup, 20);
  EXPECT_EQ(train.lr_schedule.min_lr, 1e-5);
  EXPECT_EQ(train.clip_grad_norm, 1.0);
  EXPECT_EQ(job.seed(), 7U);
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

/// Writes each default of the table into a job: nothing may change.
TEST(Job, DefaultsOfTheTableAreThoseOfTheStructs) {
  const std::string base = std::string(kTraining) +
                           "[eval]\n"
                           "data.inputs.input_ids.path = \"v.npy\"\n"
                           "data.inputs.input_ids.window = 8\n"
                           "data.target.path = \"v.npy\"\n";
  const std::vector<std::string> sgd = {"train.optimizer={name='sgd'}"};
  int compared = 0;
  for (const JobKey& key : job_keys()) {
    if (key.default_value.empty() || key.path == "split.balance") {
      continue;  // that one goes with split.stages
    }
    std::string path(key.path);
    if (const size_t name = path.find("<name>"); name != std::string::npos) {
      path.replace(name, 6, "input_ids");
    }
    const Job without = parse(base, sgd);
    const bool adam = path == "train.optimizer.betas" ||
                      path == "train.optimizer.eps" ||
                      path == "train.optimizer.amsgrad";
    std::vector<std::string> with = sgd;
    if (adam) {
      with = {"train.optimizer={name='adam'}"};
    }
    with.push_back(path + "=" + std::string(key.default_value));
    Job job = parse(base, with);
    // Optimizer options are handed on as given; their defaults are torch's.
    job.train->optimizer = without.train->optimizer;
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
  EXPECT_EQ(job.train->optimizer.name, "sgd");
  EXPECT_EQ(job.train->optimizer.options.size(), 1U);
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
