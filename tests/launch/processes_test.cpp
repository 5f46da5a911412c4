#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/core/error.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/signals.h"
#include "runtime/rank/failure.h"
#include "tests/launch/ranks.h"

namespace pp::testing {
namespace {

// The promise is 2 s after the death of a rank; loaded machines get a little
// more before a test fails.
constexpr int64_t kSoonMs = 2500;

std::string named(int rank) {
  return "rank " + std::to_string(rank) + " (" + host_name() + ")";
}

/// The exit code that launch_processes() asks for.
int code_of(int num_ranks, const std::vector<std::string>& command) {
  try {
    launch_processes(num_ranks, command);
    return 0;
  } catch (const JobFailed& failure) {
    EXPECT_FALSE(failure.told());
    return failure.exit_code();
  }
}

TEST(Processes, RanksWorkTogetherAndLeave) {
  const RankDir dir;
  EXPECT_EQ(code_of(3, dir.command("work")), 0);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(dir.error(rank), "");
  }
}

TEST(Processes, AnErrorOnOneRankIsTheCauseOnAll) {
  for (const int failing : {0, 1}) {
    const RankDir dir;
    EXPECT_EQ(code_of(3, dir.command("throw", failing)), 3);
    for (int rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(
          dir.error(rank),
          named(failing) + ", stage " + std::to_string(failing) +
              ", microbatch 3, 1F3: operator 'x' is not there");
      EXPECT_EQ(dir.code(rank), 3);
      EXPECT_LT(dir.ms_to_stop(rank), 1500);
    }
  }
}

TEST(Processes, AKilledRankIsNamed) {
  const RankDir dir;
  EXPECT_EQ(code_of(3, dir.command("kill", 1)), 4);
  EXPECT_FALSE(dir.ended(1));
  for (const int rank : {0, 2}) {
    EXPECT_EQ(dir.error(rank), named(1) + ": killed by signal 9 (Killed)");
    EXPECT_LT(dir.ms_to_stop(rank), kSoonMs);
  }
}

TEST(Processes, ARankThatDoesNotAnswerIsNamedAfterTheStallTimeout) {
  const RankDir dir;
  EXPECT_EQ(code_of(2, dir.command("hang", 1)), 4);
  const std::string& error = dir.error(0);
  EXPECT_EQ(error.find(named(1) + ": has been between steps for "), 0u)
      << error;
  EXPECT_NE(
      error.find("rank 0 waited 1 s for a message from rank 1"),
      std::string::npos)
      << error;
  EXPECT_NE(
      error.find(
          "\n  " + named(0) +
          ": between steps, waiting for a message from rank 1, "),
      std::string::npos)
      << error;
  EXPECT_EQ(dir.error(1), error);
}

TEST(Processes, ARankThatLeavesBeforeItJoinsEndsTheJobWithItsCode) {
  const RankDir dir;
  EXPECT_EQ(code_of(2, dir.command("leave", 1)), 3);
  EXPECT_EQ(dir.error(0), named(1) + ": exited with code 3");
}

TEST(Processes, ACommandThatIsNotThere) {
  try {
    launch_processes(2, {"/nowhere/pp"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_STREQ(
        error.what(), "can't start '/nowhere/pp': No such file or directory");
  }
}

// The user's limit on open files.
TEST(Processes, NoDescriptorIsLeft) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  std::vector<int> taken;
  const rlimit few{64, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  sigset_t mask;
  sigemptyset(&mask);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) {
    taken.push_back(fd);
  }
  const std::string limit = "Too many open files";
  try {
    const Child child({"true"}, {}, mask);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_EQ(error.what(), "can't start 'true': " + limit);
  }
  try {
    const SignalWatch watch([](const CaughtSignal&) {});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_EQ(error.what(), "can't watch for signals: " + limit);
  }
  for (const int fd : taken) {
    close(fd);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

/// Runs launch_processes in a process of its own, as `pp` does.
pid_t fork_launcher(const RankDir& dir) {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(code_of(2, dir.command("idle")));
  }
  return pid;
}

bool runs_with(const RankDir& dir) {
  // Every rank has the folder in its command line.
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code ignored;
    const auto file = entry.path() / "cmdline";
    if (FILE* in = fopen(file.c_str(), "r")) {
      char text[4096];
      const size_t size = fread(text, 1, sizeof(text), in);
      fclose(in);
      if (std::string(text, size).find(dir.path()) != std::string::npos) {
        return true;
      }
    }
  }
  return false;
}

bool gone_soon(const RankDir& dir) {
  for (int look = 0; look < 500; ++look) {
    if (!runs_with(dir)) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Processes, ASignalIsPassedOnAndIsTheExitCode) {
  const RankDir dir;
  const pid_t launcher = fork_launcher(dir);
  ASSERT_TRUE(dir.wait_for_idle(2));
  kill(launcher, SIGTERM);
  int status = 0;
  waitpid(launcher, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_NE(dir.error(rank).find("interrupted"), std::string::npos);
    EXPECT_EQ(dir.code(rank), 128 + SIGTERM);
  }
  EXPECT_TRUE(gone_soon(dir));
}

TEST(Processes, NoRankOutlivesAKilledLauncher) {
  const RankDir dir;
  const pid_t launcher = fork_launcher(dir);
  ASSERT_TRUE(dir.wait_for_idle(2));
  EXPECT_TRUE(runs_with(dir));
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  EXPECT_TRUE(gone_soon(dir));
}

}  // namespace
}  // namespace pp::testing
