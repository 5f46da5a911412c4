// Checkpoints of hosts that share no folder.

#include "tests/checkpoint/hosts.h"

#include <fstream>

#include "loader/archive/checkpoint_state.h"
#include "runtime/checkpoint/shared_folder.h"

namespace pp {
namespace {

using Names = std::vector<std::string>;

Names step(int64_t number, const Names& parts) {
  const std::string folder = "step_" + std::to_string(number) + "/";
  Names names;
  for (const std::string& part : parts) {
    names.push_back(folder + "part_" + part + ".safetensors");
  }
  names.push_back(folder + "state.json");
  return names;
}

void put(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(Hosts, EachKeepsTheNewestOfItsOwnParts) {
  save({1, 2, 3}, 1);
  EXPECT_EQ(entries("a"), step(3, {"0", "1"}));
  EXPECT_EQ(entries("b"), step(3, {"2", "3"}));
  EXPECT_EQ(
      content(root_ / "a/step_3/state.json"),
      content(root_ / "b/step_3/state.json"));
  const auto saved = read_checkpoint(root_ / "a/step_3");
  ASSERT_EQ(saved.parts.size(), 4U);
  EXPECT_FALSE(saved.parts[2].host.empty());
  EXPECT_EQ(resume(), 3);
}

TEST_F(Hosts, OneFolderNamesNoHost) {
  names_ = {"a", "a", "a", "a"};
  save({1, 2});
  EXPECT_EQ(entries("a").size(), 10U);
  EXPECT_TRUE(read_checkpoint(root_ / "a/step_2").parts[3].host.empty());
  EXPECT_EQ(resume(), 2);
}

TEST_F(Hosts, RanksMayChangePlaces) {
  save({1});
  names_ = {"b", "a", "b", "a"};
  EXPECT_EQ(resume(), 1);
  // A new host, with nothing.
  names_ = {"c", "a", "b", "c"};
  EXPECT_EQ(resume(), 1);
}

TEST_F(Hosts, TheNewestThatAllHaveIsTaken) {
  save({1, 2});
  // The second host stopped before it had renamed its folder.
  fs::remove_all(root_ / "b/step_2");
  EXPECT_EQ(resume(Resume::Yes), 1);
  save({2});
  EXPECT_EQ(resume(Resume::Yes), 2);
}

TEST_F(Hosts, ADamagedPartIsAsGoodAsNone) {
  save({1, 2});
  fs::resize_file(root_ / "b/step_2/part_3.safetensors", 20);
  EXPECT_EQ(resume(), 1);
  put(root_ / "b/step_1/state.json", "{");
  expect_error(
      ErrorKind::Input, {"part_2", "part_3", "no host"}, [&] { resume(); });
}

TEST_F(Hosts, CheckpointsOfTheSameStepAreToldApart) {
  save({1, 2});
  // Another run's step 2, of which only rank 2's part is there.
  names_ = {"c", "c", "b2", "c"};
  on_each([&](RankContext& context) {
    CheckpointSaver saver(context, folder_of(context.rank), sharing(), kRanks);
    CheckpointState state;
    state.step = 2;
    state.seed = 9;
    saver.save(
        state, parts_of(context.rank, 5), 1, CheckpointSaver::Tensors::Copied);
    saver.finish();
  });
  fs::remove_all(root_ / "b/step_2");
  fs::copy(root_ / "b2", root_ / "b", fs::copy_options::recursive);
  names_ = {"a", "a", "b", "b"};
  EXPECT_EQ(resume(), 1);
}

TEST_F(Hosts, AStepThatNeverWasWholeIsNoLoss) {
  save({1});
  fs::remove_all(root_ / "b");
  // The host is there, so it may have stopped before it renamed its folder.
  EXPECT_EQ(resume(Resume::IfAny), -1);
  expect_error(
      ErrorKind::Input,
      {"step_1", "part_2.safetensors (saved on host ", "part_3", "no host"},
      [&] { resume(Resume::Yes); });
}

TEST_F(Hosts, ALostHostIsNamed) {
  save({1, 2});
  fs::remove_all(root_ / "b");
  // step_1 was whole, since its successor was begun.
  expect_error(
      ErrorKind::Input,
      {"step_1",
       "part_2.safetensors (saved on host ",
       "part_3.safetensors (saved on host ",
       "bring back the host that saved it",
       "to start a new run, move the checkpoints away"},
      [&] { resume(Resume::IfAny); });
}

TEST_F(Hosts, NoCheckpointAtAll) {
  EXPECT_EQ(resume(Resume::IfAny), -1);
  EXPECT_EQ(resume(Resume::No), -1);
  expect_error(ErrorKind::Input, {"has no checkpoint to resume from"}, [&] {
    resume(Resume::Yes);
  });
}

TEST_F(Hosts, WeightsOfACheckpointArePutTogether) {
  save({1});
  const auto open = [&](int rank) { return folder_of(rank) / "step_1"; };
  on_each([&](RankContext& context) {
    const TensorLookup find =
        open_checkpoint(context, open(context.rank)).lookup({"r0", "r3"});
    EXPECT_TRUE(at::equal(find("r3"), parts_of(3, 1).at(3).at("r3")));
    EXPECT_TRUE(at::equal(find("r0"), parts_of(0, 1).at(0).at("r0")));
  });
  fs::remove(root_ / "b/step_1/part_3.safetensors");
  expect_error(ErrorKind::Input, {"part_3.safetensors (saved on host "}, [&] {
    on_each([&](RankContext& context) {
      open_checkpoint(context, open(context.rank));
    });
  });
}

TEST_F(Hosts, ThatLeaveDoNotWaitForARankThatNeverComes) {
  save({1});
  on_each([&](RankContext& context) {
    CheckpointSaver saver(context, folder_of(context.rank), sharing(), kRanks);
    CheckpointState state;
    state.step = 2;
    if (context.rank != 3) {
      saver.save(
          state,
          parts_of(context.rank, 2),
          0,
          CheckpointSaver::Tensors::Copied);
    }
    EXPECT_TRUE(saver.leave().empty());
    EXPECT_TRUE(saver.leave().empty()) << "again";
  });
  for (const auto* host : {"a", "b"}) {
    EXPECT_FALSE(fs::exists(root_ / host / "step_2")) << host;
  }
  EXPECT_EQ(resume(), 1);
}

TEST_F(Hosts, FindOutWhatTheyShare) {
  fs::create_directories(root_ / "a");
  fs::create_directories(root_ / "b/there/already");
  on_each([&](RankContext& context) {
    // Neither the folder nor the one above it is there yet on "a".
    const auto found =
        find_sharing(context, folder_of(context.rank) / "there/checkpoints");
    EXPECT_EQ(found.leaders(), (std::vector<int>{0, 2}));
    EXPECT_EQ(found.leader_of(3), 2);
    EXPECT_TRUE(find_sharing(context, root_ / "b").is_one());
  });
  EXPECT_TRUE(entries("a").empty());
  EXPECT_TRUE(entries("b").empty());
}

}  // namespace
}  // namespace pp
