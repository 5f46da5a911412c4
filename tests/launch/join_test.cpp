#include <chrono>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/launch/ranks.h"

namespace pp::testing {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Variables = std::map<std::string, std::string>;

/// Two ranks of a job that writes to `output`.
std::vector<Child> start_job(
    const RankDir& dir, const std::string& port, const std::string& output) {
  std::vector<Child> ranks;
  for (const int rank : {0, 1}) {
    ranks.push_back(start_rank(
        rank,
        dir.command("idle"),
        {{"MASTER_ADDR", "127.0.0.1"},
         {"MASTER_PORT", port},
         {"PP_TEST_OUTPUT", output}}));
  }
  return ranks;
}

void expect_running_until_asked(std::vector<Child>& ranks, const RankDir& dir) {
  for (Child& rank : ranks) {
    EXPECT_TRUE(rank.running());
    rank.send_signal(SIGTERM);
  }
  EXPECT_TRUE(wait_for_all(ranks));
  EXPECT_NE(dir.error(0).find("interrupted"), std::string::npos);
}

TEST(Join, ASecondJobOnThePortEndsAndNamesTheFirst) {
  const std::string port = std::to_string(free_port());
  const RankDir first_dir;
  const RankDir second_dir;
  auto first = start_job(first_dir, port, "/data/first");
  ASSERT_TRUE(first_dir.wait_for_idle(2));
  auto second = start_job(second_dir, port, "/data/second");
  ASSERT_TRUE(wait_for_all(second));
  for (const int rank : {0, 1}) {
    const std::string error = second_dir.error(rank);
    EXPECT_NE(error.find("another job"), std::string::npos) << error;
    EXPECT_NE(error.find("output in /data/first,"), std::string::npos) << error;
    EXPECT_NE(error.find("its own MASTER_PORT"), std::string::npos) << error;
    EXPECT_EQ(second_dir.code(rank), 4);
  }
  expect_running_until_asked(first, first_dir);
}

// Nothing tells the two apart but that the numbers are taken.
TEST(Join, TheSameJobStartedTwiceFindsItsRanksTaken) {
  const std::string port = std::to_string(free_port());
  const RankDir first_dir;
  const RankDir second_dir;
  auto first = start_job(first_dir, port, "/data/run");
  ASSERT_TRUE(first_dir.wait_for_idle(2));
  auto second = start_job(second_dir, port, "/data/run");
  ASSERT_TRUE(wait_for_all(second));
  const std::string error = second_dir.error(1);
  EXPECT_EQ(
      error.find(
          "rank 1 of the job at 127.0.0.1:" + port + " is already process "),
      0U)
      << error;
  EXPECT_NE(second_dir.error(0).find("another job"), std::string::npos);
  expect_running_until_asked(first, first_dir);
}

TEST(Join, AJobOfTorchrunsStoreHasNoPlaceForARankByHand) {
  const std::string port = std::to_string(free_port());
  const RankDir dir;
  const RankDir other;
  // An agent's store, as far as ranks can tell: rank 0 of another program.
  auto server = start_job(dir, port, "/data/first");
  ASSERT_TRUE(dir.wait_for_idle(2));
  std::vector<Child> stranger;
  stranger.push_back(start_rank(
      1,
      other.command("idle"),
      {{"MASTER_ADDR", "127.0.0.1"},
       {"MASTER_PORT", port},
       {"TORCHELASTIC_RESTART_COUNT", "1"}}));
  ASSERT_TRUE(wait_for_all(stranger));
  EXPECT_NE(
      other.error(1).find("doesn't belong to this job"), std::string::npos);
  EXPECT_NE(other.error(1).find("/data/first"), std::string::npos);
  expect_running_until_asked(server, dir);
}

TEST(Join, AMasterWhoseNameDoesNotResolveIsOneLineOnEveryRank) {
  for (const int rank : {0, 1}) {
    const RankDir dir;
    const auto began = Clock::now();
    std::vector<Child> ranks;
    ranks.push_back(start_rank(
        rank,
        dir.command("idle"),
        {{"MASTER_ADDR", "no-such-host.invalid"}, {"MASTER_PORT", "29871"}}));
    ASSERT_TRUE(wait_for_all(ranks));
    EXPECT_LT(Clock::now() - began, seconds(12));
    const std::string error = dir.error(rank);
    EXPECT_EQ(
        error.find("MASTER_ADDR 'no-such-host.invalid' doesn't resolve"), 0U)
        << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
    EXPECT_EQ(dir.code(rank), 4);
  }
}

/// A port that accepts connections and never says anything.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    bind(fd_, any, size);
    listen(fd_, 64);
    getsockname(fd_, any, &size);
    port_ = std::to_string(ntohs(address.sin_port));
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() { close(fd_); }

  const std::string& port() const { return port_; }

 private:
  int fd_;
  std::string port_;
};

TEST(Join, ASignalEndsARankThatWaitsForASilentPort) {
  const SilentPort silent;
  const RankDir dir;
  std::vector<Child> ranks;
  ranks.push_back(start_rank(
      1,
      dir.command("idle"),
      {{"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", silent.port()}}));
  std::this_thread::sleep_for(milliseconds(1000));
  ASSERT_TRUE(ranks[0].running());
  const auto asked = Clock::now();
  ranks[0].send_signal(SIGTERM);
  ASSERT_TRUE(wait_for_all(ranks));
  EXPECT_LT(Clock::now() - asked, seconds(2));
  EXPECT_EQ(dir.code(1), 128 + SIGTERM);
}

TEST(Join, ARankThatASilentPortDoesNotAnswerEndsWithOneLine) {
  const SilentPort silent;
  const RankDir dir;
  const auto began = Clock::now();
  std::vector<Child> ranks;
  ranks.push_back(start_rank(
      1,
      dir.command("idle"),
      {{"MASTER_ADDR", "127.0.0.1"},
       {"MASTER_PORT", silent.port()},
       {"PP_TEST_JOIN_TIMEOUT", "3"}}));
  ASSERT_TRUE(wait_for_all(ranks));
  EXPECT_GE(Clock::now() - began, seconds(3));
  EXPECT_LT(Clock::now() - began, seconds(15));  // c10d alone takes 20 s
  EXPECT_EQ(
      dir.error(1),
      "127.0.0.1:" + silent.port() +
          " accepts connections, but doesn't answer as a job's store within 3 "
          "s; another program uses this port, or rank 0 doesn't respond");
  EXPECT_EQ(dir.code(1), 4);
}

TEST(Join, RankZeroFindsThatAnotherProgramHasThePort) {
  const SilentPort silent;
  const RankDir dir;
  std::vector<Child> ranks;
  ranks.push_back(start_rank(
      0,
      dir.command("idle"),
      {{"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", silent.port()}}));
  ASSERT_TRUE(wait_for_all(ranks));
  EXPECT_EQ(
      dir.error(0),
      "can't serve the job's store at 127.0.0.1:" + silent.port() +
          ": another program uses this port; set MASTER_PORT to a port that is "
          "free on rank 0's machine");
}

// Rank 0 is stopped, and its store with it: every call to it would wait.
TEST(Join, ASignalEndsARankWhoseStoreDoesNotRespond) {
  const std::string port = std::to_string(free_port());
  const RankDir dir;
  auto ranks = start_job(dir, port, "");
  ASSERT_TRUE(dir.wait_for_idle(2));
  ranks[0].send_signal(SIGSTOP);
  std::this_thread::sleep_for(milliseconds(500));
  const auto asked = Clock::now();
  ranks[1].send_signal(SIGTERM);
  while (ranks[1].running() && Clock::now() - asked < seconds(20)) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_LT(Clock::now() - asked, seconds(5));
  EXPECT_EQ(dir.code(1), 128 + SIGTERM);
  ranks[0].send_signal(SIGCONT);
  EXPECT_TRUE(wait_for_all(ranks));
}

}  // namespace
}  // namespace pp::testing
