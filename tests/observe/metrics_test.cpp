#include "runtime/observe/metrics.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

class Metrics : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    fs::remove(path_);
  }

  static std::string content(const fs::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string content() const { return content(path_); }

  void put(const std::string& text) const { std::ofstream(path_) << text; }

  fs::path folder_ =
      test::fixture_folder() / "observe" /
      testing::UnitTest::GetInstance()->current_test_info()->name();
  fs::path path_ = folder_ / "metrics.jsonl";
};

StepReport report(int64_t step) {
  return {.step = step, .total = 9, .loss = 2.5, .lr = 0.001, .step_ms = 4};
}

TEST(MetricsLine, HoldsWhatTheReportHas) {
  StepReport full = report(3);
  full.grad_norm = 0.25;
  full.samples_per_s = 8;
  full.tokens_per_s = 1024;
  full.bubble = 0.125;
  EXPECT_EQ(
      metrics_line(full),
      R"({"version":1,"step":3,"loss":2.5,"grad_norm":0.25,"lr":0.001,"step_ms":4.0,)"
      R"("samples_per_s":8.0,"tokens_per_s":1024.0,"bubble":0.125})");
  EXPECT_EQ(
      metrics_line(report(3)),
      R"({"version":1,"step":3,"loss":2.5,"lr":0.001,"step_ms":4.0,"samples_per_s":0.0})");
  EXPECT_EQ(
      metrics_line(
          EvalReport{4, 1.5, 0.5, {{"accuracy", 0.75}, {"perplexity", 4.5}}}),
      R"({"version":1,"step":4,"eval_loss":1.5,"eval_accuracy":0.75,)"
      R"("eval_perplexity":4.5,"eval_s":0.5})");
  EXPECT_EQ(
      metrics_line(EvalReport{.step = 4, .loss = 1.5, .seconds = 0.5}),
      R"({"version":1,"step":4,"eval_loss":1.5,"eval_s":0.5})");
}

TEST(MetricsLine, WritesNullForALossThatIsNotFinite) {
  StepReport broken = report(1);
  broken.loss = std::nan("");
  EXPECT_NE(metrics_line(broken).find(R"("loss":null)"), std::string::npos);
}

TEST_F(Metrics, LinesAreInTheFileWhenWriteReturns) {
  MetricsWriter writer(path_, 0);
  writer.write(report(1));
  EXPECT_EQ(content(), metrics_line(report(1)) + "\n");
  writer.write(EvalReport{.step = 1, .loss = 2});
  EXPECT_EQ(
      content(),
      metrics_line(report(1)) + "\n" +
          metrics_line(EvalReport{.step = 1, .loss = 2}) + "\n");
}

TEST_F(Metrics, ANewRunEmptiesTheFile) {
  put("{\"step\":1}\n");
  const MetricsWriter writer(path_, 0);
  EXPECT_EQ(content(), "");
}

TEST_F(Metrics, AResumedRunCutsWhatItWillRepeat) {
  put("{\"step\":1}\n{\"step\":2}\n{\"step\":2,\"eval_loss\":1}\n"
      "{\"step\":3}\n{\"step\":4}\n");
  MetricsWriter(path_, 3).write(EvalReport{.step = 3});
  EXPECT_EQ(
      content(),
      "{\"step\":1}\n{\"step\":2}\n{\"step\":2,\"eval_loss\":1}\n" +
          metrics_line(EvalReport{.step = 3}) + "\n");
}

TEST_F(Metrics, AnIncompleteLineIsCutOff) {
  put("{\"step\":1}\n{\"step\":2,\"lo");
  const MetricsWriter writer(path_, 5);
  EXPECT_EQ(content(), "{\"step\":1}\n");
}

TEST_F(Metrics, ALineWithoutItsNewlineIsCutOff) {
  put("{\"step\":1}\n{\"step\":2}");
  const MetricsWriter writer(path_, 5);
  EXPECT_EQ(content(), "{\"step\":1}\n");
}

TEST_F(Metrics, NamesTheFileItCannotOpen) {
  try {
    const MetricsWriter writer(folder_ / "none" / "metrics.jsonl", 0);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_NE(
        std::string(error.what()).find("none/metrics.jsonl"),
        std::string::npos);
    EXPECT_NE(
        std::string(error.what()).find("No such file"), std::string::npos);
  }
}

TEST_F(Metrics, GoesOnInANewFileIfItsOwnIsMoved) {
  const fs::path moved = folder_ / "moved.jsonl";
  MetricsWriter writer(path_, 0);
  writer.write(report(1));
  fs::rename(path_, moved);
  writer.write(report(2));
  writer.write(report(3));
  EXPECT_EQ(content(moved), metrics_line(report(1)) + "\n");
  EXPECT_EQ(
      content(path_),
      metrics_line(report(2)) + "\n" + metrics_line(report(3)) + "\n");
}

TEST_F(Metrics, NamesAFileThatIsRemoved) {
  MetricsWriter writer(path_, 0);
  writer.write(report(1));
  fs::remove(path_);
  try {
    writer.write(report(2));
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_EQ(
        error.what(),
        path_.string() + " was removed while the job was writing to it");
  }
}

TEST_F(Metrics, NamesAFolderThatIsMoved) {
  const fs::path runs = folder_ / "runs";
  const fs::path moved = folder_ / "moved";
  fs::remove_all(moved);
  fs::create_directories(runs);
  MetricsWriter writer(runs / "metrics.jsonl", 0);
  writer.write(report(1));
  const auto expect_lost = [&] {
    try {
      writer.write(report(2));
      FAIL() << "written";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Runtime);
      EXPECT_EQ(
          error.what(),
          runs.string() +
              " was moved, removed or replaced while the job was writing to "
              "it");
    }
  };
  fs::rename(runs, moved);
  expect_lost();
  // Another job may have begun in the folder's place.
  fs::create_directories(runs);
  std::ofstream(runs / "metrics.jsonl") << "";
  expect_lost();
  fs::remove_all(runs);
}

TEST_F(Metrics, ReadsTheEvaluationsUpToAStep) {
  EXPECT_TRUE(read_evaluations(path_, 2).empty());
  MetricsWriter writer(path_, 0);
  writer.write(report(2));
  EXPECT_TRUE(read_evaluations(path_, 2).empty());
  writer.write(EvalReport{2, 0.5, 0.1, {{"accuracy", 0.25}}});
  writer.write(EvalReport{4, std::nan(""), 0.1});
  const std::vector<EvalReport> both = read_evaluations(path_, 4);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].step, 2);
  EXPECT_EQ(both[0].loss, 0.5);
  EXPECT_EQ(both[0].seconds, 0.1);
  ASSERT_EQ(both[0].metrics.size(), 1U);
  EXPECT_EQ(both[0].metrics[0].name, "accuracy");
  EXPECT_EQ(both[0].metrics[0].value, 0.25);
  EXPECT_TRUE(std::isnan(both[1].loss));
  EXPECT_EQ(read_evaluations(path_, 3).size(), 1U);
  EXPECT_TRUE(read_evaluations(path_, 1).empty());
}

TEST_F(Metrics, LinesThatAreNoEvaluationAreSkipped) {
  put("no json\n[]\n{\"eval_loss\":1}\n{\"step\":\"x\",\"eval_loss\":1}\n"
      "{\"step\":1,\"eval_loss\":1}\n{\"step\":2,\"eval_lo");
  EXPECT_EQ(read_evaluations(path_, 9).size(), 1U);
}

TEST_F(Metrics, ReportsAFullDisk) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full";
  }
  fs::create_symlink("/dev/full", path_);
  try {
    MetricsWriter(path_, 0).write(report(1));
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_NE(
        std::string(error.what()).find("metrics.jsonl"), std::string::npos);
    EXPECT_NE(
        std::string(error.what()).find("No space left"), std::string::npos);
  }
}

}  // namespace
}  // namespace pp
