#include "runtime/job/first_job.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/job/job.h"

namespace pp {
namespace {

constexpr int64_t kFree = -1;  ///< a size that the export left free

ir::TensorMeta meta(
    const std::vector<int64_t>& sizes,
    ir::ScalarType dtype = ir::ScalarType::Float) {
  ir::TensorMeta out;
  out.dtype = dtype;
  for (size_t i = 0; i < sizes.size(); ++i) {
    out.sizes.push_back(
        sizes[i] == kFree ? ir::Dim{i == 0 ? 2 : 16, "s" + std::to_string(i)}
                          : ir::Dim{sizes[i], ""});
  }
  return out;
}

ModelInput input(const std::string& name, ir::TensorMeta tensor) {
  return {.name = name, .type = {}, .tensor = std::move(tensor)};
}

ModelOutput output(const std::string& name, ir::TensorMeta tensor) {
  return {.name = name, .type = {}, .tensor = std::move(tensor)};
}

/// A CNN in two stages, exported with a free batch.
FirstJobModel cnn() {
  FirstJobModel model;
  model.path = "cnn.pt2";
  model.inputs = {input("x", meta({kFree, 3, 32, 32}))};
  model.outputs = {output("output_0", meta({kFree, 10}))};
  model.num_stages = 2;
  model.cuts = {"layers.4"};
  model.has_modes = true;
  model.first_module = "layers.0";
  return model;
}

FirstJobModel transformer() {
  FirstJobModel model;
  model.path = "gpt.pt2";
  model.inputs = {input("tokens", meta({kFree, kFree}, ir::ScalarType::Long))};
  model.outputs = {output("logits", meta({kFree, kFree, 256}))};
  return model;
}

FirstJobRequest request_for(const FirstJobModel& model) {
  FirstJobRequest request;
  request.command = "pp init " + model.path;
  request.file = "job.toml";
  request.output_dir = "runs/job";
  for (const ModelInput& each : model.inputs) {
    request.inputs[each.name] = {.path = each.name + ".npy"};
  }
  return request;
}

std::string text_of(
    const FirstJobModel& model, const FirstJobRequest& request) {
  return first_job_text(model, request, plan_first_job(model, request));
}

Job job_of(const FirstJobModel& model, const FirstJobRequest& request) {
  return parse_job(text_of(model, request), "job.toml", "/jobs");
}

TEST(FirstJob, OfACnnTrainsWithCrossEntropyOnFilesThatAreNotThereYet) {
  const FirstJobModel model = cnn();
  const FirstJobRequest request = request_for(model);
  const Job job = job_of(model, request);
  EXPECT_EQ(job.model.path, "/jobs/cnn.pt2");
  EXPECT_EQ(job.model.mode, Mode::Train);
  ASSERT_EQ(job.split.at.size(), 1U);
  EXPECT_EQ(to_string(job.split.at[0]), "layers.4");
  EXPECT_EQ(job.pipeline.microbatches, 4);
  EXPECT_EQ(job.data.batch_size, 32);
  EXPECT_EQ(job.data.inputs.at("x").path, "/jobs/x.npy");
  EXPECT_EQ(job.data.target->path, "/jobs/target.npy");
  EXPECT_EQ(job.train->loss.kind, LossKind::CrossEntropy);
  EXPECT_EQ(job.train->optimizer.kind, OptimizerKind::AdamW);
  EXPECT_EQ(job.output.dir, "/jobs/runs/job");
  const FirstJobPlan plan = plan_first_job(model, request);
  EXPECT_EQ(plan.inputs[0].needs, "float32 [rows, 3, 32, 32]");
  EXPECT_EQ(plan.target->needs, "class numbers from 0 to 9, int64 [rows]");
}

TEST(FirstJob, HasACommentAboveEveryKeyAndNoLongLine) {
  for (const FirstJobKind kind :
       {FirstJobKind::Train, FirstJobKind::Finetune, FirstJobKind::Infer}) {
    const FirstJobModel model = cnn();
    FirstJobRequest request = request_for(model);
    request.kind = kind;
    const std::string text = text_of(model, request);
    std::string before;
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      EXPECT_LE(line.size(), 80U) << line;
      if (line.find(" = ") != std::string::npos && line[0] != '#') {
        EXPECT_TRUE(before.starts_with("#")) << line;
      }
      before = line;
      begin = end + 1;
    }
  }
}

TEST(FirstJob, OfTokensCutsInputAndTargetFromOneSequence) {
  const FirstJobModel model = transformer();
  const Job job = job_of(model, request_for(model));
  const SourceConfig& tokens = job.data.inputs.at("tokens");
  EXPECT_EQ(tokens.path, "/jobs/tokens.npy");
  EXPECT_EQ(tokens.window, 16);
  EXPECT_EQ(tokens.shift, 0);
  EXPECT_EQ(job.data.target->path, "/jobs/tokens.npy");
  EXPECT_EQ(job.data.target->window, 16);
  EXPECT_EQ(job.data.target->shift, 1);
  EXPECT_EQ(job.train->loss.kind, LossKind::CrossEntropy);
}

TEST(FirstJob, ReadsRowsOfTokensAsRows) {
  const FirstJobModel model = transformer();
  FirstJobRequest request = request_for(model);
  request.inputs["tokens"] = {
      .path = "tokens.npy", .dtype = ir::ScalarType::Long, .sizes = {40, 16}};
  const Job job = job_of(model, request);
  EXPECT_FALSE(job.data.inputs.at("tokens").window.has_value());
  EXPECT_EQ(job.data.target->path, "/jobs/target.npy");
}

TEST(FirstJob, NeedsNoTargetIfTheModelComputesItsLoss) {
  FirstJobModel model = transformer();
  model.inputs.push_back(
      input("labels", meta({kFree, kFree}, ir::ScalarType::Long)));
  model.outputs.insert(model.outputs.begin(), output("loss", meta({})));
  FirstJobRequest request = request_for(model);
  const Job job = job_of(model, request);
  EXPECT_FALSE(job.data.target.has_value());
  EXPECT_EQ(job.train->loss.output, "loss");
  EXPECT_FALSE(job.train->loss.kind.has_value());
  EXPECT_EQ(job.data.inputs.at("labels").path, "/jobs/labels.npy");
  request.loss = "cross_entropy";  // asked for: of the logits
  const Job other = job_of(model, request);
  EXPECT_EQ(other.train->loss.kind, LossKind::CrossEntropy);
  EXPECT_EQ(other.train->loss.output, "logits");
}

TEST(FirstJob, ATargetsTypeDecidesBetweenClassesAndValues) {
  FirstJobModel model = cnn();
  model.inputs = {input("x", meta({kFree, 8}))};
  FirstJobRequest request = request_for(model);
  EXPECT_EQ(job_of(model, request).train->loss.kind, LossKind::Mse);
  request.target = {
      .path = "y.npy", .dtype = ir::ScalarType::Long, .sizes = {64}};
  EXPECT_EQ(job_of(model, request).train->loss.kind, LossKind::CrossEntropy);
  model.log_probabilities = {"output_0"};
  EXPECT_EQ(job_of(model, request).train->loss.kind, LossKind::Nll);
  request.target.dtype = ir::ScalarType::Float;
  EXPECT_EQ(job_of(model, request).train->loss.kind, LossKind::Mse);
}

TEST(FirstJob, AFixedBatchDecidesTheRowsOfAStep) {
  FirstJobModel model = cnn();
  model.inputs = {input("x", meta({6, 3, 32, 32})), input("scale", meta({3}))};
  model.outputs = {output("logits", meta({6, 10}))};
  const Job job = job_of(model, request_for(model));
  EXPECT_EQ(job.data.batch_size, 24);
  EXPECT_EQ(job.pipeline.microbatches, 4);
  EXPECT_EQ(job.data.inputs.at("x").split_dim, 0);
  EXPECT_FALSE(job.data.inputs.at("scale").split_dim.has_value());
}

TEST(FirstJob, StaysWithinTheSizesThatTheExportAllows) {
  FirstJobModel model = cnn();
  model.ranges["s0"] = {.min = 2, .max = 4};
  EXPECT_EQ(job_of(model, request_for(model)).data.batch_size, 16);
  // A guard may exclude other sizes than the one of the export.
  model.ranges.clear();
  model.guards = {"L['x'].size()[0] % 2 == 0"};
  EXPECT_EQ(job_of(model, request_for(model)).data.batch_size, 8);
}

TEST(FirstJob, AsksForNoMoreRowsThanThereAre) {
  const FirstJobModel model = cnn();
  FirstJobRequest request = request_for(model);
  for (const int64_t rows : {1, 3, 9, 31, 1000}) {
    request.inputs["x"] = {
        .path = "x.npy",
        .dtype = ir::ScalarType::Float,
        .sizes = {rows, 3, 32, 32}};
    const Job job = job_of(model, request);
    EXPECT_LE(job.data.batch_size, rows);
    EXPECT_GE(job.data.batch_size, *job.pipeline.microbatches);
  }
}

TEST(FirstJob, OfInferenceLeavesNoRestThatTheExportRefuses) {
  FirstJobModel model = cnn();
  model.ranges["s0"] = {.min = 2, .max = {}};
  FirstJobRequest request = request_for(model);
  request.kind = FirstJobKind::Infer;
  for (const int64_t rows : {2, 5, 33, 65, 97, 1025}) {
    request.inputs["x"] = {
        .path = "x.npy",
        .dtype = ir::ScalarType::Float,
        .sizes = {rows, 3, 32, 32}};
    const Job job = job_of(model, request);
    const int64_t rest = rows % job.data.batch_size;
    EXPECT_TRUE(rest == 0 || rest >= 2) << rows;
    EXPECT_FALSE(job.train.has_value());
    EXPECT_EQ(job.model.mode, Mode::Eval);
  }
}

TEST(FirstJob, OfABinFileStatesItsType) {
  const FirstJobModel model = transformer();
  FirstJobRequest request = request_for(model);
  request.inputs["tokens"] = {
      .path = "train.bin",
      .dtype = ir::ScalarType::UInt16,
      .sizes = {4000},
      .is_bin = true};
  const Job job = job_of(model, request);
  EXPECT_EQ(job.data.inputs.at("tokens").dtype, ir::ScalarType::UInt16);
  EXPECT_EQ(job.data.inputs.at("tokens").window, 16);
  EXPECT_EQ(job.data.target->dtype, ir::ScalarType::UInt16);
}

TEST(FirstJob, NamesThatTomlCannotReadAreInQuotes) {
  FirstJobModel model = cnn();
  model.inputs = {input("cond.text", meta({kFree, 8}))};
  const Job job = job_of(model, request_for(model));
  EXPECT_EQ(job.data.inputs.at("cond.text").path, "/jobs/cond.text.npy");
}

TEST(FirstJob, OfFinetuningHasALowRateAndOffersToFreeze) {
  const FirstJobModel model = cnn();
  FirstJobRequest request = request_for(model);
  request.kind = FirstJobKind::Finetune;
  EXPECT_EQ(job_of(model, request).train->optimizer.options.lr, 2e-5);
  EXPECT_NE(
      text_of(model, request).find("# freeze = \"layers.0.*\""),
      std::string::npos);
}

}  // namespace
}  // namespace pp
