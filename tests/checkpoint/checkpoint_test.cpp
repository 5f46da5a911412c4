#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "loader/archive/atomic_file.h"
#include "runtime/checkpoint/earlier_run.h"
#include "tests/checkpoint/checkpoint_folder.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

using Names = std::vector<std::string>;

class Checkpoint : public CheckpointFolder {};

TEST_F(Checkpoint, GivesBackWhatWasWritten) {
  const fs::path path = write(7);
  EXPECT_EQ(path, folder_ / "step_7");
  const CheckpointReader reader(path);
  EXPECT_EQ(reader.state().step, 7);
  EXPECT_EQ(reader.state().epoch, 2);
  EXPECT_EQ(reader.state().data_position, 96);
  EXPECT_EQ(reader.state().seed, state(7).seed);
  EXPECT_EQ(reader.state().job, state(7).job);
  std::map<std::string, at::Tensor> all = part(0);
  all.merge(part(1));
  EXPECT_EQ(reader.names().size(), all.size());
  for (const auto& [name, tensor] : all) {
    const at::Tensor saved = reader.find(name);
    EXPECT_EQ(saved.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(saved, tensor)) << name;
  }
}

TEST_F(Checkpoint, HoldsTheSameBytesWheneverItIsWritten) {
  const fs::path path = write(7);
  std::map<std::string, std::string> before;
  for (const auto& entry : fs::directory_iterator(path)) {
    before[entry.path().filename()] = content(entry.path());
  }
  EXPECT_EQ(before.size(), 3U);
  write(7);
  for (const auto& [name, bytes] : before) {
    EXPECT_EQ(content(path / name), bytes) << name;
  }
}

TEST_F(Checkpoint, OpensInPython) {
  const fs::path path = write(7);
  const std::string command =
      test::python().string() + " " +
      (test::project_folder() / "tests/checkpoint/read_checkpoint.py ")
          .string() +
      path.string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(Checkpoint, StridedTensorsAreSavedByIndexAndLoadedIntoAnyStrides) {
  const at::Tensor transposed = at::rand({3, 2}).t();
  const CheckpointReader reader(write(1, {{{"w", transposed}}}));
  EXPECT_TRUE(at::equal(reader.find("w"), transposed));
  const at::Tensor into = at::zeros({3, 2}).t().requires_grad_();
  reader.copy_to("w", into);
  EXPECT_TRUE(at::equal(into, transposed));
}

TEST_F(Checkpoint, TensorsOutliveTheReader) {
  const fs::path path = write(7);
  const at::Tensor weight = CheckpointReader(path).find("embed.weight");
  EXPECT_EQ(weight.sum().item<float>(), 21);
}

TEST_F(Checkpoint, DoesNotExistBeforeItIsCommitted) {
  begin_checkpoint(folder_, 7);
  write_checkpoint_part(folder_, 7, 0, part(0));
  EXPECT_TRUE(list_checkpoints(folder_).empty());
}

TEST_F(Checkpoint, BeginRemovesWhatInterruptedRunsLeftBehind) {
  begin_checkpoint(folder_, 3);
  write_checkpoint_part(folder_, 3, 0, part(0));
  begin_checkpoint(folder_, 7);
  EXPECT_EQ(entries(), Names{".step_7.tmp"});
  EXPECT_TRUE(fs::is_empty(folder_ / ".step_7.tmp"));
}

TEST_F(Checkpoint, KeepsTheNewest) {
  for (const int64_t step : {9, 10, 11, 12}) {
    write(step);
    prune_checkpoints(folder_, step, 2);
  }
  EXPECT_EQ(entries(), (Names{"step_11", "step_12"}));
  write(13);
  prune_checkpoints(folder_, 13, 0);
  EXPECT_EQ(entries().size(), 3U);
}

TEST_F(Checkpoint, KeepsTheLastOneBeforeTheWeightsWentBad) {
  constexpr int64_t kFirstBad = 11;
  for (const int64_t step : {9, 10, 11, 12, 13, 14}) {
    write(step);
    prune_checkpoints(
        folder_,
        step,
        3,
        step < kFirstBad ? std::nullopt : std::optional(kFirstBad));
  }
  EXPECT_EQ(entries(), (Names{"step_10", "step_13", "step_14"}));
  prune_checkpoints(folder_, 14, 1, kFirstBad);
  EXPECT_EQ(entries(), Names{"step_14"});
}

TEST_F(Checkpoint, NeverRemovesTheOneJustWritten) {
  write(200);
  write(5);
  prune_checkpoints(folder_, 5, 1);
  EXPECT_EQ(entries(), (Names{"step_200", "step_5"}));
}

TEST_F(Checkpoint, TakesThePlaceOfOneOfTheSameStep) {
  const fs::path path = write(7);
  put(path / "part_0.safetensors", "broken");
  write(7);
  EXPECT_NO_THROW(CheckpointReader{path});
  EXPECT_EQ(entries(), Names{"step_7"});
}

TEST_F(Checkpoint, AreListedByNumber) {
  write(10);
  write(9);
  write(100);
  fs::create_directories(folder_ / "step_x");
  fs::create_directories(folder_ / "step_-3");
  fs::create_directories(folder_ / "other");
  put(folder_ / "step_11", "a file");
  EXPECT_EQ(
      list_checkpoints(folder_),
      (std::vector<fs::path>{
          folder_ / "step_9", folder_ / "step_10", folder_ / "step_100"}));
  EXPECT_TRUE(list_checkpoints(folder_ / "none").empty());
}

TEST_F(Checkpoint, SomeOfItsPartsCanBeReadAlone) {
  const fs::path path = write(7);
  fs::remove(path / "part_0.safetensors");
  const CheckpointReader reader(path, state(7), {"part_1.safetensors"});
  EXPECT_TRUE(reader.try_find("head.weight").defined());
  EXPECT_FALSE(reader.try_find("embed.weight").defined());
}

TEST_F(Checkpoint, EarlierRunsAreSetAsideTheLatestFirst) {
  const fs::path here = folder_ / "checkpoints";
  const fs::path metrics = folder_ / "metrics.jsonl";
  const auto aside = [](const fs::path& path, int number) {
    return fs::path(path.string() + "." + std::to_string(number));
  };
  EXPECT_TRUE(set_run_aside(folder_, 2).now.empty());
  EarlierRun run;
  for (int number = 1; number <= 3; ++number) {
    fs::create_directories(here / ("step_" + std::to_string(number)));
    put(metrics, std::to_string(number));
    run = set_run_aside(folder_, 2);
    EXPECT_EQ(run.now, (std::vector{aside(here, 1), aside(metrics, 1)}));
    EXPECT_FALSE(fs::exists(here));
    EXPECT_FALSE(fs::exists(metrics));
  }
  EXPECT_EQ(run.removed, (std::vector{aside(here, 3), aside(metrics, 3)}));
  EXPECT_TRUE(fs::exists(aside(here, 1) / "step_3"));
  EXPECT_TRUE(fs::exists(aside(here, 2) / "step_2"));
  EXPECT_EQ(read_file(aside(metrics, 1)), "3");
  EXPECT_EQ(read_file(aside(metrics, 2)), "2");
  EXPECT_FALSE(fs::exists(aside(here, 3)));
  EXPECT_FALSE(fs::exists(aside(metrics, 3)));
  // Other files are not removed, and with 0 no checkpoint is.
  put(aside(here, 2) / "notes.txt", "keep me");
  fs::create_directories(here / "step_4");
  set_run_aside(folder_, 2);
  EXPECT_TRUE(fs::exists(aside(here, 3) / "notes.txt"));
  EXPECT_FALSE(fs::exists(aside(here, 3) / "step_2"));
  fs::create_directories(here / "step_5");
  set_run_aside(folder_, 0);
  EXPECT_TRUE(fs::exists(aside(here, 3) / "step_3"));
}

TEST_F(Checkpoint, AnEarlierRunIsRemovedWithoutThoseBeforeItOrOtherFiles) {
  fs::create_directories(folder_ / "checkpoints/step_1");
  fs::create_directories(folder_ / "checkpoints.1/step_1");
  put(folder_ / "checkpoints/notes.txt", "keep me");
  put(folder_ / "metrics.jsonl", "1");
  EXPECT_EQ(
      remove_run(folder_).removed,
      (std::vector{folder_ / "checkpoints", folder_ / "metrics.jsonl"}));
  EXPECT_FALSE(fs::exists(folder_ / "checkpoints/step_1"));
  EXPECT_FALSE(fs::exists(folder_ / "metrics.jsonl"));
  EXPECT_TRUE(fs::exists(folder_ / "checkpoints/notes.txt"));
  EXPECT_TRUE(fs::exists(folder_ / "checkpoints.1/step_1"));
}

}  // namespace
}  // namespace pp
