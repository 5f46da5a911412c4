#include <map>

#include <gtest/gtest.h>

#include "runtime/launch/launch.h"

namespace pp {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<EnvRanks> read(const Variables& variables) {
  return read_env_ranks([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string error(const Variables& variables) {
  try {
    read(variables);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::Usage);
    return e.what();
  }
}

TEST(ReadEnvRanks, NothingSet) {
  EXPECT_FALSE(read({}));
  EXPECT_FALSE(read({{"MASTER_ADDR", "host"}, {"LOCAL_RANK", "1"}}));
}

TEST(ReadEnvRanks, Torchrun) {
  const auto ranks = read(
      {{"RANK", "3"},
       {"WORLD_SIZE", "4"},
       {"LOCAL_RANK", "1"},
       {"LOCAL_WORLD_SIZE", "2"},
       {"MASTER_ADDR", "head"},
       {"MASTER_PORT", "1234"},
       {"TORCHELASTIC_USE_AGENT_STORE", "True"},
       {"TORCHELASTIC_RESTART_COUNT", "2"},
       {"TORCHELASTIC_RUN_ID", "abc"}});
  ASSERT_TRUE(ranks);
  EXPECT_EQ(ranks->rank, 3);
  EXPECT_EQ(ranks->size, 4);
  EXPECT_EQ(ranks->local_rank, 1);
  EXPECT_EQ(ranks->local_size, 2);
  EXPECT_EQ(ranks->master_addr, "head");
  EXPECT_EQ(ranks->master_port, 1234);
  EXPECT_TRUE(ranks->agent_store);
  EXPECT_EQ(ranks->restart_count, 2);
  EXPECT_EQ(ranks->run_id, "abc");
  EXPECT_EQ(ranks->job_name, "torchrun run abc");
  EXPECT_FALSE(ranks->one_console);
}

TEST(ReadEnvRanks, RankAndSizeAloneAreEnough) {
  const auto ranks = read({{"RANK", "0"}, {"WORLD_SIZE", "1"}});
  ASSERT_TRUE(ranks);
  EXPECT_FALSE(ranks->agent_store);
  EXPECT_EQ(ranks->master_addr, "127.0.0.1");
  EXPECT_EQ(ranks->master_port, 29500);
}

TEST(ReadEnvRanks, ASlurmStepOfSeveralTasks) {
  const Variables step = {
      {"SLURM_PROCID", "5"},
      {"SLURM_STEP_ID", "0"},
      {"SLURM_STEP_NUM_TASKS", "6"},
      {"SLURM_NTASKS", "6"},
      {"SLURM_LOCALID", "1"},
      {"SLURM_JOB_ID", "70012"},
      {"SLURM_STEP_NODELIST", "gpu[07-08,11],x"}};
  const auto ranks = read(step);
  ASSERT_TRUE(ranks);
  EXPECT_EQ(ranks->rank, 5);
  EXPECT_EQ(ranks->size, 6);
  EXPECT_EQ(ranks->local_rank, 1);
  EXPECT_EQ(ranks->master_addr, "gpu07");
  EXPECT_EQ(ranks->master_port, 29512);
  EXPECT_EQ(ranks->job_name, "Slurm step 70012.0");
  EXPECT_TRUE(ranks->one_console);

  Variables named = step;
  named["MASTER_ADDR"] = "head";
  named["MASTER_PORT"] = "4000";
  EXPECT_EQ(read(named)->master_addr, "head");
  EXPECT_EQ(read(named)->master_port, 4000);
  named["SLURM_STEP_NODELIST"] = "solo,other";
  named.erase("MASTER_ADDR");
  EXPECT_EQ(read(named)->master_addr, "solo");
  named["SLURM_STEP_NODELIST"] = "rack[2-3,7]node[03-05]-x,other[1-2]";
  EXPECT_EQ(read(named)->master_addr, "rack2node03-x");
  named["SLURM_STEP_NODELIST"] = "solo";
  EXPECT_EQ(read(named)->master_addr, "solo");
}

TEST(ReadEnvRanks, ASlurmBatchScriptOrAStepOfOneTaskIsNotAJob) {
  EXPECT_FALSE(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}));
  EXPECT_FALSE(read(
      {{"SLURM_PROCID", "0"},
       {"SLURM_STEP_ID", "0"},
       {"SLURM_STEP_NUM_TASKS", "1"}}));
}

TEST(ReadEnvRanks, OpenMpi) {
  const auto ranks = read(
      {{"OMPI_COMM_WORLD_RANK", "1"},
       {"OMPI_COMM_WORLD_SIZE", "2"},
       {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
       {"PMIX_NAMESPACE", "prterun-head-17@1"}});
  ASSERT_TRUE(ranks);
  EXPECT_EQ(ranks->job_name, "Open MPI job prterun-head-17@1");
  EXPECT_TRUE(ranks->one_console);
  EXPECT_EQ(ranks->rank, 1);
  EXPECT_EQ(ranks->local_rank, 1);
  EXPECT_FALSE(
      read({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}));
  EXPECT_NE(
      error({{"OMPI_COMM_WORLD_RANK", "1"},
             {"OMPI_COMM_WORLD_SIZE", "4"},
             {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}})
          .find("mpirun -x MASTER_ADDR"),
      std::string::npos);
}

TEST(ReadEnvRanks, TheSecretOfTheJob) {
  const Variables two = {{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  EXPECT_FALSE(read(two)->secret.exists());
  Variables with_secret = two;
  with_secret["PP_JOB_SECRET"] = "0123456789abcdef";
  EXPECT_EQ(read(with_secret)->secret.value(), "0123456789abcdef");
  with_secret["PP_JOB_SECRET"] = "0123456";
  EXPECT_EQ(
      error(with_secret),
      "the environment variable PP_JOB_SECRET has 7 bytes; it must have at "
      "least 16, such as the output of: openssl rand -hex 32");
}

TEST(ReadEnvRanks, WrongValuesAreNamed) {
  EXPECT_EQ(
      error({{"RANK", "one"}, {"WORLD_SIZE", "2"}}),
      "the environment variable RANK is 'one'; it must be an integer of 0 or "
      "more");
  EXPECT_EQ(
      error({{"RANK", "-1"}, {"WORLD_SIZE", "2"}}),
      "the environment variable RANK is '-1'; it must be an integer of 0 or "
      "more");
  EXPECT_EQ(
      error({{"RANK", "2"}, {"WORLD_SIZE", "2"}}),
      "this is rank 2 of 2; ranks are from 0 to 1");
  EXPECT_EQ(
      error({{"RANK", "1"}}),
      "the environment variable RANK is set, but WORLD_SIZE isn't; set both "
      "or neither");
  EXPECT_EQ(
      error({{"WORLD_SIZE", "2"}}),
      "the environment variable WORLD_SIZE is set, but RANK isn't; set both "
      "or neither");
  EXPECT_EQ(
      error({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}),
      "MASTER_PORT is 70000; it must be a port from 1 to 65535");
}

}  // namespace
}  // namespace pp
