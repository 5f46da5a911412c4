#include "tests/checkpoint/checkpoint_folder.h"

namespace pp {
namespace {

class BestLink : public CheckpointFolder {};

TEST_F(BestLink, NamesACheckpointThatExists) {
  EXPECT_EQ(linked_best(folder_), std::nullopt);
  write(3);
  link_best(folder_, 3);
  EXPECT_EQ(linked_best(folder_), 3);
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step_3");
  fs::remove_all(folder_ / "step_3");
  EXPECT_EQ(linked_best(folder_), std::nullopt);
}

TEST_F(BestLink, IsRemovedWithoutACheckpoint) {
  write(3);
  for (const std::optional<int64_t> step : {std::optional<int64_t>(), {4}}) {
    link_best(folder_, 3);
    link_best(folder_, step);
    EXPECT_EQ(entries(), std::vector<std::string>{"step_3"});
  }
}

TEST_F(BestLink, IsPossibleWhereALinkCanBeMade) {
  check_links(folder_ / "run/checkpoints");
  EXPECT_TRUE(entries().empty());
  expect_error(
      ErrorKind::Runtime,
      {"/proc/self/none: output.keep_best needs symbolic links"},
      [] { check_links("/proc/self/none"); });
}

}  // namespace
}  // namespace pp
