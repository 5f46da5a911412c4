#include "loader/archive/checkpoint_folder.h"

#include <gtest/gtest.h>

#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

TEST(CheckpointIn, TheFolderOfARunIsItsNewestCheckpoint) {
  const TempFolder folder;
  const std::filesystem::path checkpoints = folder / "run" / "checkpoints";
  for (const char* name : {"step_9", "step_20", ".step_30.tmp", "other"}) {
    std::filesystem::create_directories(checkpoints / name);
  }
  EXPECT_EQ(checkpoint_in(folder / "run"), checkpoints / "step_20");
  EXPECT_EQ(checkpoint_in(checkpoints), checkpoints / "step_20");
  EXPECT_EQ(checkpoint_in(checkpoints / "step_9"), checkpoints / "step_9");
}

TEST(CheckpointIn, LeavesWhatIsNoRunToItsReader) {
  const TempFolder folder;
  EXPECT_EQ(checkpoint_in(folder / "nowhere"), folder / "nowhere");
  folder.put("file", "");
  EXPECT_EQ(checkpoint_in(folder / "file"), folder / "file");
}

TEST(CheckpointIn, ARunWithoutCheckpointIsRefused) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "run" / "checkpoints");
  expect_error(
      ErrorKind::Input,
      "run/checkpoints holds no checkpoint: a folder step_N is needed",
      [&] { checkpoint_in(folder / "run"); });
}

}  // namespace
}  // namespace pp::test
