#include <chrono>

#include <gtest/gtest.h>
#include <signal.h>

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "runtime/launch/tcp_store.h"
#include "tests/launch/ranks.h"

namespace pp::testing {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;
using Variables = std::map<std::string, std::string>;

const std::string kOne = "what this job's processes know";
const std::string kOther = "what another job's processes know";

/// Ranks of one job without a launcher, one after the other.
class ByHand {
 public:
  explicit ByHand(int port = free_port()) : port_(std::to_string(port)) {}

  const RankDir& dir() const { return dir_; }
  std::string address() const { return "127.0.0.1:" + port_; }
  int port() const { return std::stoi(port_); }

  void start(
      int rank,
      const std::string& mode,
      const std::string& secret,
      const Variables& more = {}) {
    Variables variables = {
        {"MASTER_ADDR", "127.0.0.1"},
        {"MASTER_PORT", port_},
        {"PP_JOB_SECRET", secret}};
    variables.insert(more.begin(), more.end());
    ranks_.push_back(start_rank(rank, dir_.command(mode), variables));
  }
  bool wait() { return wait_for_all(ranks_); }
  std::vector<Child>& ranks() { return ranks_; }

  void expect_running_until_asked() {
    for (Child& rank : ranks_) {
      EXPECT_TRUE(rank.running());
      rank.send_signal(SIGTERM);
    }
    EXPECT_TRUE(wait());
    EXPECT_NE(dir_.error(0).find("interrupted"), std::string::npos);
  }

 private:
  RankDir dir_;
  std::string port_;
  std::vector<Child> ranks_;
};

void expect_begins(const std::string& text, const std::string& beginning) {
  EXPECT_EQ(text.substr(0, beginning.size()), beginning);
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_EQ(text.find(kOne), std::string::npos) << text;
  EXPECT_EQ(text.find(kOther), std::string::npos) << text;
}

TEST(Secret, RanksThatKnowItWorkTogether) {
  ByHand job;
  job.start(0, "work", kOne);
  job.start(1, "work", kOne);
  ASSERT_TRUE(job.wait());
  EXPECT_EQ(job.dir().error(0), "");
  EXPECT_EQ(job.dir().error(1), "");
}

struct Mismatch {
  std::string of_job;
  std::string own;
  std::string difference;
};

// The waiting rank goes on with the right one.
TEST(Secret, ARankWithAnotherOneIsRefusedAndTheJobWaitsForTheRightOne) {
  const std::vector<Mismatch> cases = {
      {kOne, kOther, " has another PP_JOB_SECRET than the job at ADDRESS"},
      {kOne, "", " has no PP_JOB_SECRET, but the job at ADDRESS has one"},
      {"", kOne, " has a PP_JOB_SECRET, but the job at ADDRESS has none"},
  };
  for (const Mismatch& one : cases) {
    ByHand job;
    ByHand wrong(job.port());
    job.start(0, "work", one.of_job);
    const auto began = Clock::now();
    wrong.start(1, "work", one.own);
    ASSERT_TRUE(wrong.wait());
    EXPECT_LT(Clock::now() - began, seconds(30));
    std::string difference = one.difference;
    difference.replace(difference.find("ADDRESS"), 7, job.address());
    const std::string error = wrong.dir().error(1);
    expect_begins(error, "rank 1 of 2" + difference + ": 2 ranks, started ");
    EXPECT_NE(
        error.find(
            "; give every rank of a job the same PP_JOB_SECRET, and each job "
            "its own MASTER_PORT"),
        std::string::npos)
        << error;
    EXPECT_EQ(wrong.dir().code(1), 4);
    EXPECT_TRUE(job.ranks().at(0).running());
    job.start(1, "work", one.of_job);
    ASSERT_TRUE(job.wait());
    EXPECT_EQ(job.dir().error(0), "");
    EXPECT_EQ(job.dir().error(1), "");
  }
}

TEST(Secret, TheWaitingRankSaysWhyNobodyCame) {
  ByHand job;
  ByHand wrong(job.port());
  wrong.start(1, "work", kOther);  // it waits for the store
  job.start(0, "work", kOne, {{"PP_TEST_JOIN_TIMEOUT", "4"}});
  ASSERT_TRUE(job.wait());
  ASSERT_TRUE(wrong.wait());
  const std::string error = job.dir().error(0);
  EXPECT_NE(
      error.find(
          "rank 1 of 2 did not start within 4 s; a process that came as this "
          "rank has another PP_JOB_SECRET"),
      std::string::npos)
      << error;
  EXPECT_EQ(job.dir().code(0), 4);
}

TEST(Secret, ASecondJobWithAnotherOneDoesNotDisturbTheFirst) {
  ByHand first;
  const Variables first_output = {{"PP_TEST_OUTPUT", "/data/first"}};
  const Variables second_output = {{"PP_TEST_OUTPUT", "/data/second"}};
  first.start(0, "idle", kOne, first_output);
  first.start(1, "idle", kOne, first_output);
  ASSERT_TRUE(first.dir().wait_for_idle(2));
  ByHand second(first.port());
  second.start(0, "idle", kOther, second_output);
  second.start(1, "idle", kOther, second_output);
  ASSERT_TRUE(second.wait());
  for (const int rank : {0, 1}) {
    const std::string error = second.dir().error(rank);
    EXPECT_NE(error.find("another job"), std::string::npos) << error;
    EXPECT_NE(error.find("output in /data/first,"), std::string::npos) << error;
    EXPECT_NE(error.find("its own MASTER_PORT"), std::string::npos) << error;
    EXPECT_EQ(second.dir().code(rank), 4);
  }
  first.expect_running_until_asked();
}

// A launcher's store, which all ranks reach whatever they know.
TEST(Secret, UnderALauncherThatServesTheStoreRanksMustHaveTheSame) {
  const auto server = make_local_server();
  ByHand job(server->getPort());
  const Variables agent = {
      {"TORCHELASTIC_USE_AGENT_STORE", "True"},
      {"TORCHELASTIC_RUN_ID", "job7"},
      {"PP_TEST_JOIN_TIMEOUT", "6"}};
  job.start(0, "work", kOne, agent);
  job.start(1, "work", kOther, agent);
  ASSERT_TRUE(job.wait());
  const std::string refusal =
      " of 2 has another PP_JOB_SECRET than the job at " + job.address() +
      "; give every rank of a job the same PP_JOB_SECRET";
  const int second = job.dir().error(0) == "rank 0" + refusal ? 0 : 1;
  const std::string waited = job.dir().error(1 - second);
  EXPECT_EQ(
      job.dir().error(second), "rank " + std::to_string(second) + refusal);
  EXPECT_NE(
      waited.find(
          "did not start within 6 s; a process that came as this rank has "
          "another PP_JOB_SECRET"),
      std::string::npos)
      << waited;
  EXPECT_EQ(job.dir().code(0), 4);
  EXPECT_EQ(job.dir().code(1), 4);
}

TEST(Secret, WhatAStrangerPutsInTheStoreEndsTheJobWithOneLine) {
  ByHand job;
  job.start(0, "idle", kOne);
  job.start(1, "idle", kOne);
  ASSERT_TRUE(job.dir().wait_for_idle(2));
  c10d::TCPStore stranger("127.0.0.1", client_options(job.port()));
  int num_forged = 0;
  for (std::string key : stranger.listKeys()) {
    key.erase(0, key.find_first_not_of('/'));
    if (key.starts_with("pp/") && key != "pp/owner") {
      stranger.set(key, std::vector<uint8_t>(64, 'x'));
      ++num_forged;
    }
  }
  EXPECT_GT(num_forged, 5);
  const auto forged = Clock::now();
  ASSERT_TRUE(job.wait());
  EXPECT_LT(Clock::now() - forged, seconds(10));
  for (const int rank : {0, 1}) {
    const std::string error = job.dir().error(rank);
    EXPECT_NE(
        error.find(
            "in the job's store: published by something that doesn't know the "
            "job's secret"),
        std::string::npos)
        << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_EQ(job.dir().code(rank), 4);
  }
}

}  // namespace
}  // namespace pp::testing
