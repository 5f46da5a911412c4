#include "loader/archive/mapped_file.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "loader/archive/bytes.h"
#include "loader/archive/mapping_table.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

TEST(MappedFile, ShowsTheFile) {
  const TempFolder folder;
  const MappedFile file(folder.put("f", "content"), MappedFile::Mode::ReadOnly);
  EXPECT_EQ(as_text(file.bytes()), "content");
  EXPECT_EQ(file.size(), 7U);
  EXPECT_THROW(file.writable_data(), std::logic_error);
}

TEST(MappedFile, PrivateWritesStayInMemory) {
  const TempFolder folder;
  const auto path = folder.put("f", "content");
  const MappedFile file(path, MappedFile::Mode::Private);
  file.writable_data()[0] = std::byte{'C'};
  EXPECT_EQ(as_text(file.bytes()), "Content");
  EXPECT_EQ(slurp(path), "content");
}

TEST(MappedFile, EmptyFileHasNoBytes) {
  const TempFolder folder;
  const MappedFile file(folder.put("f", ""), MappedFile::Mode::ReadOnly);
  EXPECT_TRUE(file.bytes().empty());
}

TEST(MappedFile, RefusesWhatIsNoFileWithoutWaiting) {
  const TempFolder folder;
  const auto open = [](const std::filesystem::path& path) {
    return [path] { MappedFile(path, MappedFile::Mode::ReadOnly); };
  };
  expect_input_error(
      "/x: cannot read it: No such file or directory", open(folder / "x"));
  expect_input_error("is a folder; a file is needed", open(folder.path()));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_input_error("is not a regular file", open(folder / "pipe"));
}

int num_descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<int>(std::distance(begin(open), end(open)));
}

TEST(MappedFile, KeepsNoDescriptor) {
  const TempFolder folder;
  const auto path = folder.put("f", "content");
  const int before = num_descriptors();
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  EXPECT_EQ(num_descriptors(), before);
  EXPECT_TRUE(file.open_again());
  EXPECT_EQ(num_descriptors(), before);
  folder.put("g", "another");
  std::filesystem::rename(folder / "g", path);
  EXPECT_FALSE(file.open_again());
  EXPECT_EQ(as_text(file.bytes()), "content");
  std::filesystem::remove(path);
  EXPECT_FALSE(file.open_again());
}

constexpr size_t kTwoPages = 8192;

/// Touches the last byte of a mapped file after `change`.
template <class Change>
void read_after(const std::filesystem::path& path, Change change) {
  end_on_lost_pages();
  std::vector<std::unique_ptr<MappedFile>> others;  // more than a block of them
  for (int i = 0; i < 300; ++i) {
    others.push_back(
        std::make_unique<MappedFile>(path, MappedFile::Mode::ReadOnly));
  }
  const MappedFile file(path, MappedFile::Mode::Private);
  others.resize(1);
  change();
  [[maybe_unused]] const volatile std::byte last = file.bytes().back();
  std::exit(0);
}

TEST(MappedFileDeathTest, ALostPageEndsTheProcessAndNamesTheFile) {
  const TempFolder folder;
  const auto path = folder.put("f", std::string(kTwoPages, 'x'));
  EXPECT_EXIT(
      read_after(path, [&] { std::filesystem::resize_file(path, 200); }),
      testing::ExitedWithCode(4),
      "^pp: error: " + path.string() +
          " was truncated while it was in use: it has 200 bytes, but had 8192 "
          "when it was opened; [^\n]*\n$");
}

TEST(MappedFileDeathTest, AFileWrittenOverIsNoError) {
  const TempFolder folder;
  const auto path = folder.put("f", std::string(kTwoPages, 'x'));
  const auto another = folder.put("g", "");
  EXPECT_EXIT(
      read_after(path, [&] { folder.put("f", std::string(kTwoPages, 'y')); }),
      testing::ExitedWithCode(0),
      "^$");
  EXPECT_EXIT(
      read_after(path, [&] { std::filesystem::rename(another, path); }),
      testing::ExitedWithCode(0),
      "^$");
}

TEST(MappedFileDeathTest, OtherBusErrorsKillAsBefore) {
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, SIG_DFL);
        end_on_lost_pages();
        std::raise(SIGBUS);
      },
      testing::KilledBySignal(SIGBUS),
      "^$");
}

TEST(MappedFile, SaysWhichFilesWereWrittenToMeanwhile) {
  const TempFolder folder;
  const auto changed = folder.put("changed", "content");
  const auto replaced = folder.put("replaced", "content");
  const auto kept = folder.put("kept", "content");
  take_changed_files();
  {
    const MappedFile a(changed, MappedFile::Mode::ReadOnly);
    const MappedFile again(changed, MappedFile::Mode::Private);
    const MappedFile b(replaced, MappedFile::Mode::ReadOnly);
    const MappedFile c(kept, MappedFile::Mode::ReadOnly);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    folder.put("changed", "CONTENT");
    folder.put("new", "CONTENT");
    std::filesystem::rename(folder / "new", replaced);
    EXPECT_EQ(take_changed_files(), std::vector<std::string>{changed});
  }
  EXPECT_TRUE(take_changed_files().empty());
}

TEST(MappedFile, OneThatShrankIsFoundThoughItsPageIsStillThere) {
  const TempFolder folder;
  const auto path = folder.put("f", std::string(100, 'x'));
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  const Log log(LogLevel::Error);
  check_mapped_files(log);
  std::filesystem::resize_file(path, 60);
  EXPECT_EQ(file.bytes()[60], std::byte{0});
  expect_error(
      ErrorKind::Runtime,
      path.string() +
          " was truncated while it was in use: it has 60 bytes, but had 100",
      [&] { check_mapped_files(log); });
}

}  // namespace
}  // namespace pp::test
