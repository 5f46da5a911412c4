#include "loader/archive/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "loader/archive/bytes.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

TEST(MappedFile, ShowsTheFile) {
  const TempFolder folder;
  const MappedFile file(folder.put("f", "content"), MappedFile::Mode::ReadOnly);
  EXPECT_EQ(as_text(file.bytes()), "content");
  EXPECT_EQ(file.size(), 7U);
  EXPECT_GE(file.descriptor(), 0);
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
  expect_input_error("is a folder, a file is needed", open(folder.path()));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_input_error("is not a regular file", open(folder / "pipe"));
}

}  // namespace
}  // namespace pp::test
