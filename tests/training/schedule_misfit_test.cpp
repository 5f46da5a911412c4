// Schedules that can't do what they are for with the stages that there are.

#include <gtest/gtest.h>

#include "runtime/plan/plan_schedule.h"
#include "runtime/plan/rank_count.h"

namespace pp {
namespace {

PipelineConfig config(
    const std::string& schedule,
    std::optional<int> ranks = {},
    std::optional<int> stages_per_rank = {}) {
  PipelineConfig pipeline;
  pipeline.schedule = schedule;
  pipeline.ranks = ranks;
  pipeline.stages_per_rank = stages_per_rank;
  return pipeline;
}

/// The note on a job that no other launcher started.
std::string misfit(const PipelineConfig& pipeline, int num_stages) {
  const int ranks = rank_count(pipeline, num_stages, std::nullopt);
  return schedule_misfit(pipeline, ranks, num_stages, false);
}

TEST(ScheduleMisfit, SaysThatAllStagesRunOnOneRank) {
  for (const ScheduleEntry& entry : all_schedules()) {
    const std::string name(entry.name);
    const std::string note = misfit(config(name), 2);
    if (entry.default_stages_per_rank == 1) {
      EXPECT_EQ(note, "") << name;
      continue;
    }
    EXPECT_EQ(
        note,
        name +
            " puts 2 stages on each rank, so the model's 2 stages run on 1 "
            "rank "
            "and nothing overlaps; split into 4 stages or more, or use " +
            (name == "LoopedBFS" ? "GPipe" : "1F1B") + " on 2 ranks");
    EXPECT_EQ(misfit(config(name), 4), "") << name;
  }
}

TEST(ScheduleMisfit, SaysThatNothingIsInterleaved) {
  EXPECT_EQ(
      misfit(config("interleaved1f1b"), 3),
      "Interleaved1F1B is for several stages on each rank, but 3 stages on 3 "
      "ranks leave 1 each, so nothing is interleaved; split into 6 stages");
  EXPECT_NE(misfit(config("LoopedBFS"), 5), "");
}

TEST(ScheduleMisfit, IsNoneWhereTheJobAsksForIt) {
  EXPECT_EQ(misfit(config("VHalf", 1), 2), "");
  EXPECT_EQ(misfit(config("Interleaved1F1B", {}, 1), 3), "");
  EXPECT_EQ(schedule_misfit(config("VHalf"), 1, 2, true), "");
  EXPECT_EQ(misfit(config("1F1B"), 1), "");
  EXPECT_EQ(
      misfit(config("1F1B", {}, 3), 3),
      "1F1B puts 3 stages on each rank, so the model's 3 stages run on 1 rank "
      "and nothing overlaps; split into 6 stages or more, or use a smaller "
      "pipeline.stages_per_rank");
}

}  // namespace
}  // namespace pp
