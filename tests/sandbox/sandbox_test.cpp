#include "loader/sandbox/sandbox.h"

#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pp {
namespace {

namespace fs = std::filesystem;

/// A folder with `data/in`, `out/` and `secret`.
class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("pp_sandbox_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "data");
    fs::create_directories(folder_ / "out");
    put(folder_ / "data/in");
    put(folder_ / "secret");
  }
  void TearDown() override { fs::remove_all(folder_); }

  static bool put(const fs::path& path) {
    return static_cast<bool>(std::ofstream(path) << "text" << std::flush);
  }
  static bool reads(const fs::path& path) {
    return static_cast<bool>(std::ifstream(path));
  }

  /// Runs `action` in a process of its own inside the sandbox. Returns its
  /// answer, or nothing where the kernel has no Landlock.
  std::optional<bool> inside(const std::function<bool()>& action) const {
    constexpr int kNoLandlock = 77;
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string missing = enter_sandbox(
          {.reads = {folder_ / "data"}, .writes = {folder_ / "out/new"}});
      ::_exit(missing.empty() ? static_cast<int>(action()) : kNoLandlock);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const int code = WEXITSTATUS(status);
    return code == kNoLandlock ? std::nullopt : std::optional(code == 1);
  }

  void expect(bool wanted, const std::function<bool()>& action) const {
    const auto answer = inside(action);
    if (!answer) {
      GTEST_SKIP() << "the kernel has no Landlock";
    }
    EXPECT_EQ(*answer, wanted);
  }

  fs::path folder_;
};

TEST_F(Sandbox, ReadsWhatItMay) {
  expect(true, [&] { return reads(folder_ / "data/in"); });
  expect(true, [&] { return reads("/etc/passwd"); });
  expect(true, [&] { return reads("/proc/self/status"); });
}

TEST_F(Sandbox, ReadsNothingElse) {
  expect(false, [&] { return reads(folder_ / "secret"); });
  expect(false, [&] {
    return fs::exists(folder_ / "data/../secret") &&
           reads(folder_ / "data/../secret");
  });
}

TEST_F(Sandbox, ReadsWhatLinksInAFolderLeadTo) {
  fs::create_directory(folder_ / "blobs");
  put(folder_ / "blobs/1");
  fs::create_symlink("../blobs/1", folder_ / "data/link");
  expect(true, [&] { return reads(folder_ / "data/link"); });
}

TEST_F(Sandbox, WritesWhereItMay) {
  expect(true, [&] { return put(folder_ / "out/file"); });
  expect(true, [&] {
    fs::create_directory(folder_ / "out/new.tmp");
    put(folder_ / "out/new.tmp/file");
    fs::rename(folder_ / "out/new.tmp", folder_ / "out/new");
    return reads(folder_ / "out/new/file");
  });
  expect(true, [&] { return put("/dev/null"); });
}

TEST_F(Sandbox, WritesNowhereElse) {
  expect(false, [&] { return put(folder_ / "data/in"); });
  expect(false, [&] { return put(folder_ / "secret"); });
  expect(false, [&] { return put(folder_ / "other"); });
  expect(false, [&] {
    std::error_code ignored;
    return fs::remove(folder_ / "secret", ignored);
  });
  EXPECT_TRUE(reads(folder_ / "secret"));
}

TEST_F(Sandbox, ExecutesNothing) {
  expect(false, [&] {
    ::execl("/bin/true", "true", nullptr);
    return false;  // it was refused
  });
}

TEST_F(Sandbox, HoldsInThreadsStartedLater) {
  expect(false, [&] {
    bool read = true;
    std::thread([&] { read = reads(folder_ / "secret"); }).join();
    return read;
  });
}

}  // namespace
}  // namespace pp
