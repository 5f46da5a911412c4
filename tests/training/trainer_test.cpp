// How a training ends when it fails.

#include "runtime/training/trainer.h"

#include <atomic>
#include <filesystem>
#include <stdexcept>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/launch/launch.h"
#include "tests/training/demo_job.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

constexpr int kFailingRank = 1;

/// Makes a rank's first forward of a step fail. Steps count from 1.
void fail_in_step(RankContext& context, int step) {
  context.activity->observe(
      [step, num_steps = 0](const ActivityEvent& event) mutable {
        if (event.what == ActivityEvent::What::ActionBegins &&
            event.kind == "F" && event.microbatch == 0 && ++num_steps == step) {
          throw std::runtime_error("no luck");
        }
      });
}

TEST(Trainer, ReportsAFailureFirstAndCompletesWhatItIsSaving) {
  const fs::path folder = testing::TempDir() + "pp_trainer_fails";
  fs::remove_all(folder);
  const auto plan = test::demo_plan("steps = 5", folder);
  std::atomic<int> num_reports{0};
  std::atomic<int> num_reports_before_it_ended{0};
  const auto main = [&](RankContext& context) {
    if (context.rank != kFailingRank) {
      train(*plan, context, {});
      return;
    }
    fail_in_step(context, 3);
    context.report_failure =
        [&, report = context.report_failure](const std::exception_ptr& error) {
          ++num_reports;
          report(error);
        };
    try {
      train(*plan, context, {});
    } catch (...) {
      num_reports_before_it_ended = num_reports.load();
      context.activity->observe(nullptr);
      throw;
    }
  };
  LaunchOptions options;
  options.log = Log(LogLevel::Error);
  EXPECT_THROW(launch_local(2, options, main), Error);
  EXPECT_EQ(num_reports_before_it_ended, 1);
  // Whatever was saved is whole, and nothing unfinished is left.
  size_t num_entries = 0;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints")) {
    EXPECT_TRUE(step_of(entry.path())) << entry.path();
    EXPECT_NO_THROW(CheckpointReader(entry.path())) << entry.path();
    ++num_entries;
  }
  EXPECT_GE(num_entries, 1U);
  EXPECT_LE(num_entries, 2U);
}

TEST(Trainer, LeavesAnEarlierRunsOutputAloneIfTheFirstStepFails) {
  const fs::path folder = testing::TempDir() + "pp_trainer_first_step";
  fs::remove_all(folder);
  LaunchOptions options;
  options.log = Log(LogLevel::Error);
  const auto earlier = test::demo_plan("steps = 2", folder);
  launch_local(
      2, options, [&](RankContext& context) { train(*earlier, context, {}); });
  const auto plan = test::demo_plan("steps = 5", folder);
  EXPECT_THROW(
      launch_local(
          2,
          options,
          [&](RankContext& context) {
            if (context.rank == kFailingRank) {
              fail_in_step(context, 1);
            }
            train(*plan, context, {});
          }),
      Error);
  EXPECT_EQ(list_checkpoints(folder / "checkpoints").size(), 2U);
  EXPECT_FALSE(fs::exists(folder / "checkpoints.1"));
}

}  // namespace
}  // namespace pp
