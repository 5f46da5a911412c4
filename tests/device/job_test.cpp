// Runs whole jobs with `device = "cuda"` on the fake device. It checks every
// wait and every reuse of memory, and the results must be the CPU's.
#include <filesystem>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/rank/activity.h"
#include "runtime/run/run_job.h"
#include "runtime/schedule/schedule.h"
#include "tests/device/fake_device.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

struct Row {
  std::string name;
  std::vector<std::string> set;
  std::string model = "tiny-gpt.pt2";
  std::string device = "cuda";
  int steps = 2;
};

// Otherwise GoogleTest prints its bytes.
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

std::string input_of(const std::string& model) {
  return model.starts_with("gpt2") ? "input_ids" : "tokens";
}

/// Returns a job that trains a GPT of 8 blocks with d=64 and 16 tokens.
std::string job_text(const Row& row) {
  const std::string fixtures = test::fixture_folder().string();
  const std::string data =
      "{ path = \"tokens.bin\", dtype = \"int64\", window = 16";
  return "[model]\npath = \"" + fixtures + "/" + row.model +
         "\"\n[split]\nstages = 2\nbalance = \"params\"\n[pipeline]\n"
         "ranks = 2\nmicrobatches = 4\n[data]\nbatch_size = 8\n"
         "inputs." +
         input_of(row.model) + " = " + data + " }\ntarget = " + data +
         ", shift = 1 }\n[train]\nsteps = " + std::to_string(row.steps) +
         "\nloss = { name = "
         "\"cross_entropy\" }\noptimizer = { name = \"sgd\", lr = 0.1, "
         "momentum = 0.9 }\n[output]\ndir = \"runs\"\n";
}

/// Writes tokens that are valid for every model's vocabulary.
void write_tokens(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  uint32_t state = 1;
  for (int i = 0; i < 1000; ++i) {
    state = state * 1664525U + 1013904223U;
    const int64_t token = state >> 26U;
    file.write(reinterpret_cast<const char*>(&token), sizeof(token));
  }
}

std::string eval_data(const std::string& model) {
  const std::string source = "{path=\"tokens.bin\",dtype=\"int64\",window=16";
  return "{inputs." + input_of(model) + "=" + source + "},target=" + source +
         ",shift=1}}";
}

/// Runs the row's job and returns its checkpoint.
std::filesystem::path run(
    const Row& row,
    const std::string& device,
    LogLevel level = LogLevel::Error) {
  const std::filesystem::path folder =
      testing::TempDir() + "pp_device_" + row.name + "_" + device.substr(0, 4);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write_tokens(folder / "tokens.bin");
  std::vector<std::string> set = row.set;
  set.push_back("pipeline.device=\"" + device + "\"");
  RunOptions options;
  options.open_device = test::fake_plugin;
  options.log = Log(level);
  run_job(parse_job(job_text(row), "job.toml", folder, set), options);
  return folder / ("runs/checkpoints/step_" + std::to_string(row.steps));
}

double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0 : tensor.abs().max().item<double>();
}

/// Expects that max|a-b| / max|b| is small for each weight, as in the second
/// invariant of docs/architecture.md.
void expect_close(
    const std::filesystem::path& actual,
    const std::filesystem::path& expected,
    double tolerance) {
  const CheckpointReader a(actual);
  const CheckpointReader b(expected);
  ASSERT_EQ(a.names(), b.names());
  double all = 0;
  for (const std::string& name : b.names()) {
    all = std::max(all, largest(b.find(name).to(at::kDouble)));
  }
  for (const std::string& name : b.names()) {
    const at::Tensor right = b.find(name).to(at::kDouble);
    const double scale = std::max(largest(right), 1e-3 * all);
    EXPECT_LE(
        largest(a.find(name).to(at::kDouble).sub(right)), tolerance * scale)
        << name;
  }
}

void expect_same_job(const Row& row, double tolerance) {
  test::take_faults();
  const size_t before = test::num_operations();
  const auto on_device = run(row, row.device);
  EXPECT_EQ(test::take_faults(), std::vector<std::string>());
  EXPECT_GT(test::num_operations(), before + 1000);
  expect_close(on_device, run(row, "cpu"), tolerance);
}

std::vector<Row> every_schedule() {
  std::vector<Row> rows;
  for (const ScheduleEntry& entry : all_schedules()) {
    for (const int ranks : {2, 4}) {
      const int stages = ranks * entry.default_stages_per_rank;
      std::string name = std::string(entry.name);
      std::erase_if(name, [](char c) { return std::isalnum(c) == 0; });
      rows.push_back(
          {name + "On" + std::to_string(ranks),
           {"pipeline.schedule=\"" + std::string(entry.name) + "\"",
            "pipeline.ranks=" + std::to_string(ranks),
            "split.stages=" + std::to_string(stages),
            "pipeline.microbatches=" + std::to_string(2 * ranks)}});
    }
  }
  return rows;
}

struct EverySchedule : ::testing::TestWithParam<Row> {};

// There are two devices, which ranks get in turn, so half of the messages are
// copies between devices.
TEST_P(EverySchedule, OnADevice) {
  expect_same_job(GetParam(), 1e-6);
}

/// Adds CUDA graphs: the first step runs normally, the second captures, and two
/// replay.
Row graphed(Row row) {
  row.name += "Graphed";
  row.set.emplace_back("pipeline.cuda_graphs=true");
  row.steps = 4;
  return row;
}

TEST_P(EverySchedule, AsGraphs) {
  const size_t before = test::num_replays();
  expect_same_job(graphed(GetParam()), 1e-5);
  EXPECT_GT(test::num_replays(), before);
}

struct OneJob : ::testing::TestWithParam<Row> {};

TEST_P(OneJob, OnADevice) {
  expect_same_job(GetParam(), 1e-5);
}

struct OneGraphedJob : ::testing::TestWithParam<Row> {};

TEST_P(OneGraphedJob, OnADevice) {
  const size_t before = test::num_replays();
  expect_same_job(graphed(GetParam()), 1e-5);
  EXPECT_GT(test::num_replays(), before);
}

struct WithoutGraphs : ::testing::TestWithParam<std::pair<std::string, Row>> {};

TEST_P(WithoutGraphs, RunsNormallyAndSaysWhy) {
  const auto& [reason, row] = GetParam();
  Row plain = row;
  plain.steps = graphed(row).steps;
  const auto expected = run(plain, row.device);
  const size_t before = test::num_replays();
  testing::internal::CaptureStderr();
  const auto actual = run(graphed(row), row.device, LogLevel::Warning);
  const std::string text = testing::internal::GetCapturedStderr();
  expect_close(actual, expected, 0);
  EXPECT_NE(text.find(reason), std::string::npos) << text;
  EXPECT_EQ(test::num_replays(), before);
  EXPECT_EQ(test::take_faults(), std::vector<std::string>());
}

// The device's generator is seeded from the same key wherever a node runs.
TEST(DeviceDropout, DoesNotDependOnSplitAndSchedule) {
  test::take_faults();
  const Row whole{
      "DropoutWhole",
      {"pipeline.ranks=1", "split.stages=1", "pipeline.schedule=\"GPipe\""},
      "gpt2-dropout.pt2"};
  const Row split{
      "DropoutSplit",
      {"split.stages=4", "pipeline.schedule=\"ZBVZeroBubble\""},
      "gpt2-dropout.pt2"};
  const Row without{
      "DropoutOff",
      {"pipeline.ranks=1", "split.stages=1", "model.mode=\"eval\""},
      "gpt2-dropout.pt2"};
  const auto one = run(whole, "cuda");
  expect_close(run(split, "cuda"), one, 1e-6);
  EXPECT_EQ(test::take_faults(), std::vector<std::string>());
  const CheckpointReader with(one);
  const CheckpointReader off(run(without, "cuda"));
  EXPECT_FALSE(with.find(with.names()[0]).equal(off.find(with.names()[0])));
}

/// Returns the values of each counter in the trace of a run.
std::map<std::string, std::vector<int64_t>> counters(
    const std::filesystem::path& folder) {
  std::ifstream file(folder / "trace.json");
  const nlohmann::json trace = nlohmann::json::parse(file);
  std::map<std::string, std::vector<int64_t>> found;
  for (const auto& event : trace.at("traceEvents")) {
    if (event["ph"] == "C") {
      found[event["name"]].push_back(event["args"]["bytes"]);
    }
  }
  return found;
}

// A stage holds weights, gradients and the optimizer's two moments, plus what
// microbatches in flight keep.
TEST(StageMemory, IsWhatTheAllocatorReports) {
  Row row{
      "Memory",
      {"train.optimizer={name=\"adamw\",lr=1e-3}", "output.trace=true"}};
  row.steps = 3;
  testing::internal::CaptureStderr();
  const auto checkpoint = run(row, "cuda", LogLevel::Info);
  const std::string text = testing::internal::GetCapturedStderr();
  const auto found = counters(checkpoint.parent_path().parent_path());
  ASSERT_EQ(found.size(), 2);
  int64_t held = 0;
  for (const int stage : {0, 1}) {
    const auto& bytes =
        found.at("stage " + std::to_string(stage) + ", memory (replica 0)");
    constexpr size_t kActions = 2 * 4;  // F and B of each microbatch
    ASSERT_EQ(bytes.size(), 3 * kActions);
    held += bytes.back();
    // From the second step on, all steps are alike.
    EXPECT_NEAR(
        static_cast<double>(bytes.at(2 * kActions - 1)),
        static_cast<double>(bytes.back()),
        0.01 * static_cast<double>(bytes.back()));
    EXPECT_NE(
        text.find("stage " + std::to_string(stage) + ": peak memory on "),
        std::string::npos)
        << text;
  }
  int64_t weights = 0;
  const CheckpointReader saved(checkpoint);
  for (const std::string& name : saved.names()) {
    weights += name.starts_with("optimizer.")
                   ? 0
                   : static_cast<int64_t>(saved.find(name).nbytes());
  }
  EXPECT_GE(held, 4 * weights);
  EXPECT_LE(held, 5 * weights);
}

TEST(OutOfMemory, SaysWhatTheStageHolds) {
  RunOptions options;
  options.log = Log(LogLevel::Error);
  options.on_rank = [](RankContext& context) {
    context.activity->observe([](const ActivityEvent& event) {
      if (event.what == ActivityEvent::What::ActionBegins && event.stage == 1 &&
          event.kind == "B") {
        throw std::runtime_error(
            "CUDA out of memory. Tried to allocate 2.00 GiB\nmore");
      }
    });
  };
  const std::filesystem::path folder = testing::TempDir() + "pp_device_memory";
  std::filesystem::create_directories(folder);
  write_tokens(folder / "tokens.bin");
  try {
    run_job(parse_job(job_text({"Memory", {}}), "job.toml", folder), options);
    FAIL();
  } catch (const Error& error) {
    const std::string text = error.what();
    for (const char* part :
         {"1B0",
          "CUDA out of memory. Tried to allocate 2.00 GiB; stage 1 holds ",
          " of weights and 1 microbatch in flight; 'pp run JOB --dry-run'"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

const auto kName = [](const auto& row) { return row.param.name; };

INSTANTIATE_TEST_SUITE_P(
    Device, EverySchedule, ::testing::ValuesIn(every_schedule()), kName);

const Row kRecomputed{
    "Recomputed",
    {"pipeline.recompute=true",
     "pipeline.schedule=\"ZBVZeroBubble\"",
     "split.stages=4"}};

const Row kShares{
    "ReplicasWithShares",
    {"parallel.replicas=2",
     "parallel.zero=1",
     "train.optimizer={name=\"adamw\",lr=1e-3}"},
    "gpt2-float64.pt2"};

const std::vector<Row> kJobs = {
    {"OneRank", {"pipeline.ranks=1", "split.stages=1"}},
    {"AdamwClippedAccumulatedEvaluated",
     {"train.optimizer={name=\"adamw\",lr=1e-3}",
      "train.clip_grad_norm=0.5",
      "train.accumulate=2",
      "eval.every=1",
      "eval.data=" + eval_data("gpt2"),
      "output.trace=true",
      "output.checkpoint_every=1"},
     "gpt2-float64.pt2"},
    {"BlocksRecomputed", {"pipeline.recompute=[\"layers.*\"]"}},
    {"Replicas", {"parallel.replicas=2"}},
    {"Tied", {}, "tied-gpt.pt2"},
    {"OneDevice", {}, "tiny-gpt.pt2", "cuda:1"}};

INSTANTIATE_TEST_SUITE_P(Device, OneJob, ::testing::ValuesIn(kJobs), kName);
INSTANTIATE_TEST_SUITE_P(
    DeviceToo, OneJob, ::testing::Values(kRecomputed, kShares), kName);
INSTANTIATE_TEST_SUITE_P(
    Device, OneGraphedJob, ::testing::ValuesIn(kJobs), kName);

INSTANTIATE_TEST_SUITE_P(
    Device,
    WithoutGraphs,
    ::testing::Values(
        std::pair("whole stage is recomputed", kRecomputed),
        std::pair("gradients are not accumulated in place", kShares),
        std::pair(
            "(aten.dropout.default) draws random numbers",
            Row{"Dropout", {}, "gpt2-dropout.pt2"}),
        std::pair(
            "pipeline.cuda_graphs has no effect: pipeline.device is \"cpu\"",
            Row{"OnTheCpu", {}, "tiny-gpt.pt2", "cpu"})),
    [](const auto& row) { return row.param.second.name; });

}  // namespace
}  // namespace pp
