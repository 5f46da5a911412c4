#include "runtime/job/shorthands.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/job.h"
#include "runtime/job/keys.h"
#include "runtime/job/words.h"

namespace pp {
namespace {

Job parse(
    const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job(text, "job.toml", "/jobs", overrides);
}

/// A training whose every line is one that shorthands could change.
std::string training(
    const std::string& split,
    const std::string& data,
    const std::string& train) {
  return "[model]\npath = 'm.pt2'\n[split]\n" + split +
         "\n[data]\nbatch_size = 8\n" + data + "\n[train]\nsteps = 9\n" +
         train + "\n";
}

TEST(Shorthands, AStringStandsForTheTableThatItNames) {
  const Job written_out = parse(training(
      "at = ['layers.4']",
      "inputs.x = { path = 'x.npy' }\ntarget = { path = 'y.npy' }",
      "loss = { name = 'cross_entropy' }\noptimizer = { name = 'adamw' }\n"
      "lr_schedule = { name = 'cosine' }\nfreeze = ['a.*']"));
  const Job brief = parse(training(
      "at = 'layers.4'",
      "inputs.x = 'x.npy'\ntarget = 'y.npy'",
      "loss = 'cross_entropy'\noptimizer = 'adamw'\nlr_schedule = 'cosine'\n"
      "freeze = 'a.*'"));
  EXPECT_EQ(brief, written_out);
  EXPECT_EQ(brief.written.values, written_out.written.values);
  EXPECT_EQ(brief.data.target->path, "/jobs/y.npy");
  EXPECT_EQ(brief.split.at.size(), 1U);
}

TEST(Shorthands, HeldOutDataHasThemToo) {
  const Job job = parse(
      training(
          "",
          "inputs.\"cond.text\" = 'x.npy'\ntarget = 'y.npy'",
          "loss = 'mse'\noptimizer = 'sgd'") +
      "[eval]\ndata.inputs.\"cond.text\" = 'a.npy'\ndata.target = 'b.npy'\n");
  EXPECT_EQ(job.data.inputs.at("cond.text").path, "/jobs/x.npy");
  EXPECT_EQ(job.eval->data.inputs.at("cond.text").path, "/jobs/a.npy");
  EXPECT_EQ(job.eval->data.target->path, "/jobs/b.npy");
}

TEST(Shorthands, OnTheCommandLineReplaceTheWholeTable) {
  const std::string text = training(
      "at = 'a'",
      "inputs.x = { path = 'x.npy', window = 8 }\ntarget = 'y.npy'",
      "loss = 'mse'\noptimizer = { name = 'sgd', momentum = 0.9 }");
  const Job job = parse(
      text,
      {"train.optimizer=AdamW", "data.inputs.x=z.npy", "split.at=layers.2"});
  EXPECT_EQ(job.train->optimizer.kind, OptimizerKind::AdamW);
  EXPECT_EQ(job.data.inputs.at("x").path, "/jobs/z.npy");
  EXPECT_FALSE(job.data.inputs.at("x").window.has_value());
  EXPECT_EQ(to_string(job.split.at.at(0)), "layers.2");
  // A key of the table that the file abbreviates can be set.
  EXPECT_EQ(
      parse(text, {"train.loss.output=logits"}).train->loss.kind,
      LossKind::Mse);
}

TEST(Shorthands, KeepTheirPlace) {
  const Job job = parse(training(
      "at = 'a'",
      "inputs.x = 'x.npy'\ntarget = 'y.npy'",
      "loss = 'mse'\noptimizer = 'sgd'"));
  EXPECT_EQ(job.written.place_of({"split.at"}), "job.toml:4:1: ");
  EXPECT_EQ(job.written.place_of({"split.at.0"}), "job.toml:4:6: ");
  EXPECT_EQ(job.written.place_of({"train.loss"}), "job.toml:11:1: ");
  EXPECT_EQ(job.written.place_of({"train.loss.name"}), "job.toml:11:8: ");
}

TEST(Shorthands, TakeTorchsNamesInAnyCase) {
  const auto loss = [](const std::string& word) {
    return parse(training(
                     "",
                     "inputs.x = 'x.npy'\ntarget = 'y.npy'",
                     "optimizer = 'sgd'\nloss = '" + word + "'"))
        .train->loss.kind;
  };
  for (const char* word :
       {"CrossEntropyLoss",
        "torch.nn.CrossEntropyLoss",
        "nn.CrossEntropyLoss",
        "F.cross_entropy",
        "CROSS_ENTROPY",
        "cross-entropy"}) {
    EXPECT_EQ(loss(word), LossKind::CrossEntropy) << word;
  }
  EXPECT_EQ(loss("MSELoss"), LossKind::Mse);
  EXPECT_EQ(loss("F.mse_loss"), LossKind::Mse);
  EXPECT_EQ(loss("L1Loss"), LossKind::L1);
  EXPECT_EQ(loss("NLLLoss"), LossKind::Nll);
  EXPECT_EQ(loss("BCEWithLogitsLoss"), LossKind::BceWithLogits);

  const Job job = parse(
      "[model]\npath = 'm.pt2'\nmode = 'Train'\n[pipeline]\nlauncher = "
      "'Local'\ndevice = 'CPU'\n[data]\nbatch_size = 8\n"
      "inputs.x = { path = 'x.bin', dtype = 'torch.bfloat16' }\n"
      "target = 'y.npy'\n[train]\nsteps = 1\nloss = 'mse'\n"
      "optimizer = 'torch.optim.AdamW'\nprecision = 'bfloat16'\n");
  EXPECT_EQ(job.model.mode, Mode::Train);
  EXPECT_EQ(job.pipeline.launcher, LauncherKind::Local);
  EXPECT_EQ(job.data.inputs.at("x").dtype, ir::ScalarType::BFloat16);
  EXPECT_EQ(job.train->precision, Precision::BFloat16);
  EXPECT_EQ(job.train->optimizer.kind, OptimizerKind::AdamW);
  EXPECT_EQ(job.written.values.at("train.precision"), "\"bf16\"");
}

TEST(Shorthands, NoTwoWordsOfAKeyAreTheSame) {
  for (const JobKey& key : job_keys()) {
    for (const std::string_view choice : key.choices) {
      EXPECT_EQ(word_for(key, choice), choice) << key.path;
    }
  }
  EXPECT_EQ(word_for({}, "free text"), "free text");
}

/// The message that refuses a job with this line in [train].
std::string refusal(const std::string& line) {
  try {
    parse("[model]\npath = 'm.pt2'\n[train]\n" + line + "\n");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ForeignWords, LeadToTheKeyOrTheWordThatIsMeant) {
  const std::pair<const char*, const char*> cases[] = {
      {"learning_rate = 1e-3", "did you mean 'train.optimizer.lr'?"},
      {"lr = 1e-3", "did you mean 'train.optimizer.lr'?"},
      {"max_steps = 10", "did you mean 'train.steps'?"},
      {"num_train_epochs = 3", "did you mean 'train.epochs'?"},
      {"gradient_accumulation_steps = 2", "did you mean 'train.accumulate'?"},
      {"per_device_train_batch_size = 2", "did you mean 'data.batch_size'?"},
      {"scheduler = 'cosine'", "did you mean 'train.lr_schedule'?"},
      {"bf16 = true", "did you mean 'train.precision'?"},
      {"loss = 'ce'", "did you mean 'cross_entropy'?"},
      {"loss = 'MAE'", "did you mean 'l1'?"},
      {"lr_schedule = 'CosineAnnealingLR'", "did you mean 'cosine'?"},
      {"precision = 'half'", "did you mean 'fp16'?"},
  };
  for (const auto& [line, suggestion] : cases) {
    EXPECT_NE(refusal(line).find(suggestion), std::string::npos)
        << line << ": " << refusal(line);
  }
  try {
    parse("[model]\npath = 'm.pt2'\nepochs = 3\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "job.toml:3:1: unknown key 'model.epochs'; did you mean "
        "'train.epochs'?");
  }
}

TEST(ForeignWords, LeadToKeysThatExist) {
  for (const std::string_view name : foreign_names()) {
    const std::string ours(key_for_foreign_name(name));
    const KeyPath path = split_text(ours, '.');
    EXPECT_TRUE(try_find_key(path) != nullptr || is_table(path))
        << name << " leads to " << ours;
  }
}

TEST(Checkpoint, LatestIsTheNewestOfTheOutputFolder) {
  const std::string text = "[model]\npath = 'm.pt2'\ncheckpoint = 'latest'\n";
  EXPECT_EQ(parse(text).model.checkpoint, "/jobs/runs/job");
  EXPECT_EQ(parse(text, {"output.dir=out"}).model.checkpoint, "/jobs/out");
  EXPECT_EQ(
      parse(text, {"model.checkpoint=./latest"}).model.checkpoint,
      "/jobs/latest");
}

}  // namespace
}  // namespace pp
