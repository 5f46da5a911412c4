#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>

#include "runtime/rank/failure.h"
#include "tests/launch/ranks.h"

namespace pp::testing {
namespace {

constexpr int64_t kSoonMs = 2500;

std::string named(int rank) {
  return "rank " + std::to_string(rank) + " (" + host_name() + ")";
}

// There is no launcher: rank 0 serves the store.

TEST(EnvRanks, WorkTogetherAndLeave) {
  const RankDir dir;
  auto ranks = start_ranks(4, dir.command("work"));
  ASSERT_TRUE(wait_for_all(ranks));
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(dir.error(rank), "");
  }
}

TEST(EnvRanks, AnErrorOnOneRankIsTheCauseOnAll) {
  for (const int failing : {0, 2}) {
    const RankDir dir;
    auto ranks = start_ranks(3, dir.command("throw", failing));
    ASSERT_TRUE(wait_for_all(ranks));
    for (int rank = 0; rank < 3; ++rank) {
      EXPECT_NE(
          dir.error(rank).find(named(failing) + ", stage"), std::string::npos)
          << dir.error(rank);
      EXPECT_EQ(dir.code(rank), 3);
      EXPECT_LT(dir.ms_to_stop(rank), 1500);
    }
  }
}

TEST(EnvRanks, ARankThatDiesSilentlyIsNamed) {
  for (const std::string mode : {"kill", "quiet"}) {
    const RankDir dir;
    auto ranks = start_ranks(3, dir.command(mode, 2));
    ASSERT_TRUE(wait_for_all(ranks));
    for (const int rank : {0, 1}) {
      EXPECT_EQ(
          dir.error(rank), named(2) + ": died without reporting an error");
      EXPECT_LT(dir.ms_to_stop(rank), kSoonMs);
    }
  }
}

TEST(EnvRanks, TheRankThatServesTheStoreIsNamedWhenItDies) {
  const RankDir dir;
  auto ranks = start_ranks(3, dir.command("kill", 0));
  ASSERT_TRUE(wait_for_all(ranks));
  for (const int rank : {1, 2}) {
    EXPECT_EQ(
        dir.error(rank).find(named(0) + ": died without reporting an error"),
        0u)
        << dir.error(rank);
    EXPECT_LT(dir.ms_to_stop(rank), kSoonMs);
  }
}

TEST(EnvRanks, RanksWithDifferentJobsDoNotAgree) {
  const RankDir dir;
  auto ranks = start_ranks(3, dir.command("differ", 1));
  ASSERT_TRUE(wait_for_all(ranks));
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(
        dir.error(rank),
        named(1) +
            ": rank 1 has train.steps = 3, but rank 0 has 4; every rank must "
            "be given the same job and files");
    EXPECT_EQ(dir.code(rank), 2);
  }
}

TEST(EnvRanks, ASignalToOneEndsAll) {
  const RankDir dir;
  auto ranks = start_ranks(2, dir.command("idle"));
  ASSERT_TRUE(dir.wait_for_idle(2));
  ranks[1].send_signal(SIGINT);
  ASSERT_TRUE(wait_for_all(ranks));
  EXPECT_EQ(dir.error(0), named(1) + ": interrupted");
  EXPECT_EQ(dir.error(1), named(1) + ": interrupted");
  EXPECT_EQ(dir.code(1), 128 + SIGINT);
}

// While all are paused, none gives a sign of life; afterwards none may take its
// own pause for the death of another.
TEST(EnvRanks, APauseOfAllIsNotADeath) {
  const RankDir dir;
  auto ranks = start_ranks(2, dir.command("idle"));
  ASSERT_TRUE(dir.wait_for_idle(2));
  for (Child& rank : ranks) {
    rank.send_signal(SIGSTOP);
  }
  std::this_thread::sleep_for(std::chrono::seconds(3));
  for (Child& rank : ranks) {
    rank.send_signal(SIGCONT);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  for (Child& rank : ranks) {
    EXPECT_TRUE(rank.running());
    rank.send_signal(SIGTERM);
  }
  ASSERT_TRUE(wait_for_all(ranks));
  EXPECT_NE(dir.error(0).find("interrupted"), std::string::npos);
}

// A debugger, or a machine that swaps: the job continues when the rank does.
TEST(EnvRanks, ARankThatIsStoppedIsNotDead) {
  const RankDir dir;
  auto ranks = start_ranks(2, dir.command("idle"));
  ASSERT_TRUE(dir.wait_for_idle(2));
  ranks[1].send_signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_TRUE(ranks[0].running()) << dir.error(0);
  ranks[1].send_signal(SIGCONT);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  for (Child& rank : ranks) {
    EXPECT_TRUE(rank.running());
    rank.send_signal(SIGTERM);
  }
  ASSERT_TRUE(wait_for_all(ranks));
}

}  // namespace
}  // namespace pp::testing
