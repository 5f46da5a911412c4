#include "runtime/launch/job_identity.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

JobIdentity example() {
  EnvRanks ranks;
  ranks.rank = 1;
  ranks.size = 2;
  ranks.job_name = "Slurm step 71.0";
  return own_identity(ranks, "/data/runs");
}

TEST(JobIdentity, SurvivesAsText) {
  const JobIdentity own = example();
  const JobIdentity read = identity_from_json(to_json(own));
  EXPECT_EQ(to_json(read), to_json(own));
  EXPECT_EQ(read.nonce, own.nonce);
  EXPECT_EQ(read.process.pid, own.process.pid);
  EXPECT_EQ(read.process.machine, own.process.machine);
}

TEST(JobIdentity, EveryProcessHasItsOwn) {
  EXPECT_NE(example().nonce, example().nonce);
}

TEST(JobIdentity, NamesTheJob) {
  JobIdentity identity = example();
  identity.started = "2026-11-30 05:31:02";
  identity.process.pid = 4711;
  identity.host = "host-a";
  EXPECT_EQ(
      describe(identity),
      "Slurm step 71.0, 2 ranks, output in /data/runs, started 2026-11-30 "
      "05:31:02 (rank 1 is process 4711 on host-a)");
}

TEST(JobIdentity, OtherNamesSizesOrFoldersOfOneMachineAreOtherJobs) {
  const JobIdentity own = example();
  EXPECT_TRUE(may_be_one_job(own, example()));
  JobIdentity other = example();
  other.name = "Slurm step 72.0";
  EXPECT_FALSE(may_be_one_job(own, other));
  other = example();
  other.size = 3;
  EXPECT_FALSE(may_be_one_job(own, other));
  other = example();
  other.output = "/data/other";
  EXPECT_FALSE(may_be_one_job(own, other));
  other.host = "host-b";  // each machine may have its own folder
  EXPECT_TRUE(may_be_one_job(own, other));
}

TEST(JobIdentity, AnythingElseIsOneClearLine) {
  for (const std::string text : {"", "7", "{}", "{\"name\": 3}", "\xff"}) {
    try {
      identity_from_json(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Runtime);
      EXPECT_NE(
          std::string(error.what()).find("same version of pp"),
          std::string::npos);
    }
  }
}

TEST(KeyPrefix, DependsOnTheAttemptAndOnTorchrunsRun) {
  EnvRanks ranks;
  EXPECT_EQ(key_prefix(ranks), "/worker/attempt_0/pp");
  ranks.agent_store = true;
  ranks.run_id = "job7";
  ranks.restart_count = 2;
  EXPECT_EQ(key_prefix(ranks), "/worker/attempt_2/pp/job7");
}

}  // namespace
}  // namespace pp
