#include "loader/archive/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/archive/temp_file.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

TEST(WriteFile, ReplacesTheWholeFile) {
  const TempFolder folder;
  folder.put("f", "something longer");
  write_file(folder / "f", "new\n");
  EXPECT_EQ(read_file(folder / "f"), "new\n");
  EXPECT_EQ(folder.names(), "f ");
}

TEST(WriteFile, HasTheModeOfAnOrdinaryFile) {
  const TempFolder folder;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  write_file(folder / "f", "");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0666U & ~mask);
}

TEST(WriteFile, LeavesATakenTemporaryNameAlone) {
  const TempFolder folder;
  const std::string taken = ".f.tmp." + std::to_string(::getpid());
  folder.put(taken, "of a killed process");
  write_file(folder / "f", "new");
  EXPECT_EQ(slurp(folder / "f"), "new");
  EXPECT_EQ(slurp(folder / taken), "of a killed process");
}

TEST(WriteNewFile, LeavesAFileThatExistsAsItIs) {
  const TempFolder folder;
  EXPECT_TRUE(write_new_file(folder / "f", "first"));
  EXPECT_FALSE(write_new_file(folder / "f", "second"));
  EXPECT_EQ(slurp(folder / "f"), "first");
  std::filesystem::create_symlink("nowhere", folder / "link");
  EXPECT_FALSE(write_new_file(folder / "link", "x"));
}

TEST(WriteFile, OverAFolderFailsAndLeavesNothing) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "sub");
  expect_error(
      ErrorKind::Runtime, "/sub: cannot write it: Is a directory", [&] {
        write_file(folder / "sub", "x");
      });
  EXPECT_EQ(folder.names(), "sub ");
  expect_error(ErrorKind::Runtime, "cannot write it: Is a directory", [&] {
    write_file(folder.path().string() + "/", "x");
  });
}

TEST(ReadFile, NamesAMissingFile) {
  expect_input_error(
      "/none: cannot read it: No such file", [] { read_file("/none"); });
}

TEST(TempFile, CopyOfASourceThatShrankIsAnError) {
  const TempFolder folder;
  const MappedFile source(
      folder.put("s", std::string(100, 's')), MappedFile::Mode::ReadOnly);
  std::filesystem::resize_file(folder / "s", 10);
  TempFile file(folder / "f");
  expect_error(
      ErrorKind::Runtime,
      "/s: cannot copy from it: it was truncated during the copy",
      [&] { file.copy(source, 0, 100); });
}

TEST(TempFile, CopiesFromASourceThatWasReplacedMeanwhile) {
  const TempFolder folder;
  const MappedFile source(
      folder.put("s", "content"), MappedFile::Mode::ReadOnly);
  folder.put("t", "another");
  std::filesystem::rename(folder / "t", folder / "s");
  TempFile file(folder / "f");
  file.copy(source, 3, 4);
  file.commit();
  EXPECT_EQ(slurp(folder / "f"), "tent");
}

TEST(TempFile, BytesThatAMappedFileLostNameIt) {
  const TempFolder folder;
  const MappedFile source(
      folder.put("s", std::string(8192, 's')), MappedFile::Mode::ReadOnly);
  std::filesystem::resize_file(folder / "s", 10);
  TempFile file(folder / "f");
  expect_error(
      ErrorKind::Runtime,
      "/f: cannot write it: " + (folder / "s").string() +
          " was truncated while it was in use: it has 10 bytes, but had 8192",
      [&] { file.write(source.bytes()); });
}

}  // namespace
}  // namespace pp::test
