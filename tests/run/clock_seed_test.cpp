#include "runtime/run/clock_seed.h"

#include <mutex>

#include "runtime/launch/launch.h"
#include "tests/checkpoint/checkpoint_folder.h"

namespace pp {
namespace {

/// A job whose checkpoints lie in the test's folder.
class ClockSeed : public CheckpointFolder {
 protected:
  ClockSeed() {
    job_.train.emplace().seed_from_clock = true;
    job_.output.dir = folder_;
    folder_ = checkpoint_folder(job_.output);
  }

  uint64_t settled(Resume resume) const {
    Job job = job_;
    settle_seed(job, {resume, false});
    return job.train->seed;
  }

  Job job_;
};

TEST_F(ClockSeed, IsThatOfTheCheckpointToResume) {
  const uint64_t saved = state(3).seed;
  EXPECT_NE(settled(Resume::IfAny), saved);
  write(3);
  EXPECT_EQ(settled(Resume::Yes), saved);
  EXPECT_EQ(settled(Resume::IfAny), saved);
  EXPECT_NE(settled(Resume::No), saved);
}

TEST_F(ClockSeed, SkipsACheckpointThatCantBeRead) {
  write(3);
  put(write(5) / kStateFile, "{");
  EXPECT_EQ(settled(Resume::Yes), state(3).seed);
}

TEST_F(ClockSeed, LeavesOtherJobsAsTheyAre) {
  write(3);
  job_.train->seed_from_clock = false;
  job_.train->seed = 7;
  EXPECT_EQ(settled(Resume::Yes), 7U);
}

TEST_F(ClockSeed, IsTheSameOnAllRanksWhoeverHasTheCheckpoint) {
  write(3);
  for (const bool resumes : {true, false}) {
    std::mutex mutex;
    std::set<uint64_t> seeds;
    launch_local(3, {}, [&](RankContext& context) {
      Job job = job_;
      if (context.rank != 1) {
        job.output.dir /= "none";
      }
      // The points of other ranks than rank 0 don't matter.
      const bool says = context.rank == 0 ? resumes : !resumes;
      settle_seed_together(
          job, {says ? Resume::Yes : Resume::No, false}, context);
      const std::lock_guard lock(mutex);
      seeds.insert(job.train->seed);
    });
    ASSERT_EQ(seeds.size(), 1U);
    EXPECT_EQ(*seeds.begin() == state(3).seed, resumes);
  }
}

}  // namespace
}  // namespace pp
