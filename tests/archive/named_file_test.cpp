#include "loader/archive/named_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "loader/archive/descriptor.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

namespace fs = std::filesystem;

TEST(IsNamed, UntilTheFileIsMovedRemovedOrReplaced) {
  const TempFolder folder;
  const fs::path path = folder.put("f", "text");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(is_named(path, file.get()));
  fs::rename(path, folder / "g");
  EXPECT_FALSE(is_named(path, file.get()));
  EXPECT_TRUE(is_named(folder / "g", file.get()));
  folder.put("f", "another file");
  EXPECT_FALSE(is_named(path, file.get()));
  fs::remove(folder / "g");
  EXPECT_FALSE(is_named(folder / "g", file.get()));
}

TEST(IsNamed, IsFalseIfAFolderAboveIsGone) {
  const TempFolder folder;
  const fs::path above = folder / "above";
  fs::create_directory(above);
  const fs::path path = folder.put("above/f", "text");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  fs::rename(above, folder / "moved");
  EXPECT_FALSE(is_named(path, file.get()));
  folder.put("above", "a file where the folder was");
  EXPECT_FALSE(is_named(path, file.get()));
}

TEST(IsNamed, IsTrueThroughASymbolicLink) {
  const TempFolder folder;
  const fs::path path = folder.put("f", "text");
  fs::create_symlink(path, folder / "link");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(is_named(folder / "link", file.get()));
}

}  // namespace
}  // namespace pp::test
