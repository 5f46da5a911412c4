#include "runtime/run/output_lock.h"

#include <optional>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/core/error.h"
#include "runtime/launch/process_id.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

namespace fs = std::filesystem;

/// A lock file as a job of that host and process would leave it.
std::string lock_text(const std::string& host, const ProcessId& process) {
  return host + "\n" + to_string(process) + "\n";
}

/// The number of a process that has ended.
int ended_process() {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  return pid;
}

TEST(StaleLock, IsOneOfAProcessThatHasEnded) {
  const TempFolder folder;
  ProcessId process = own_process();
  process.pid = ended_process();
  EXPECT_TRUE(is_stale_lock(folder.put(".lock", lock_text("node-1", process))));
}

TEST(StaleLock, IsNotOneOfAProcessThatRuns) {
  const TempFolder folder;
  EXPECT_FALSE(
      is_stale_lock(folder.put(".lock", lock_text("node-1", own_process()))));
}

// Its number may be that of any process here, or of none.
TEST(StaleLock, IsNotOneOfAnotherMachine) {
  const TempFolder folder;
  for (const int pid : {static_cast<int>(getpid()), ended_process()}) {
    const ProcessId process{"another-boot pid:[4026531836]", pid};
    EXPECT_FALSE(
        is_stale_lock(folder.put(".lock", lock_text("node-2", process))));
  }
}

TEST(StaleLock, IsOneThatNamesNoProcess) {
  const TempFolder folder;
  EXPECT_TRUE(is_stale_lock(folder / "none"));
  EXPECT_TRUE(is_stale_lock(folder.put(".lock", "")));
}

// The next job reads what a lock writes, where the system can't lock.
TEST(OutputLock, NamesItsProcessAsLongAsItExists) {
  const TempFolder folder;
  const fs::path dir = folder / "runs/first";
  std::optional<OutputLock> lock(dir);
  EXPECT_FALSE(is_stale_lock(dir / ".lock"));
  EXPECT_EQ(
      slurp(dir / ".lock").substr(slurp(dir / ".lock").find('\n') + 1),
      to_string(own_process()) + "\n");
  lock.reset();
  EXPECT_EQ(folder.names(), "");  // nor the folders that it made
}

TEST(OutputLock, RefusesASecondJobAndNamesTheFirst) {
  const TempFolder folder;
  const OutputLock lock(folder.path());
  try {
    const OutputLock second(folder.path());
    FAIL() << "locked twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_NE(
        std::string(error.what())
            .find(
                folder.path().string() + " is in use by another job, process " +
                std::to_string(getpid()) + " on host "),
        std::string::npos)
        << error.what();
  }
}

TEST(OutputLock, LeavesTheLockOfAFolderThatWasMoved) {
  const TempFolder folder;
  std::optional<OutputLock> lock(folder / "runs");
  fs::rename(folder / "runs", folder / "moved");
  const OutputLock next(folder / "runs");
  lock.reset();
  EXPECT_TRUE(fs::exists(folder / "runs/.lock"));
  EXPECT_TRUE(fs::exists(folder / "moved/.lock"));
}

}  // namespace
}  // namespace pp::test
