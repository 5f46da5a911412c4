#pragma once

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/checkpoint/find.h"
#include "runtime/checkpoint/saver.h"
#include "runtime/launch/launch.h"
#include "tests/support/paths.h"
#include "tests/support/tensors.h"

namespace pp {

namespace fs = std::filesystem;

/// Four ranks, threads of one process, that keep their checkpoints in the
/// folder of their host.
class Hosts : public testing::Test {
 protected:
  Hosts() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = test::fixture_folder() / "hosts" /
            (std::string(test->test_suite_name()) + "." + test->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }

  static constexpr int kRanks = 4;

  /// Ranks 0 and 1 on "a", 2 and 3 on "b".
  fs::path folder_of(int rank) const { return root_ / names_[rank]; }

  /// The names of the ranks' hosts.
  std::vector<std::string> names_{"a", "a", "b", "b"};

  FolderSharing sharing() const {
    std::vector<int> leader_of;
    for (const std::string& name : names_) {
      leader_of.push_back(
          static_cast<int>(std::ranges::find(names_, name) - names_.begin()));
    }
    return FolderSharing(std::move(leader_of));
  }

  static void on_each(const RankMain& main) { launch_local(kRanks, {}, main); }

  /// The tensors that rank R saves at a step: "rR" and its optimizer state.
  static CheckpointParts parts_of(int rank, int64_t step) {
    const std::string fqn = "r" + std::to_string(rank);
    const auto value = static_cast<float>(10 * step + rank);
    return {
        {rank,
         {{fqn, tensor_of<float>({value, value}, {2})},
          {"optimizer.exp_avg." + fqn, tensor_of<float>({-value}, {1})}}}};
  }

  void save(const std::vector<int64_t>& steps, int keep = 3) const {
    on_each([&](RankContext& context) {
      CheckpointSaver saver(
          context, folder_of(context.rank), sharing(), kRanks);
      for (const int64_t step : steps) {
        CheckpointState state;
        state.step = step;
        saver.save(
            state,
            parts_of(context.rank, step),
            keep,
            CheckpointSaver::Tensors::Copied);
      }
      const auto saved = saver.finish();
      EXPECT_EQ(saved.empty(), context.rank != 0);
    });
  }

  /// Searches, and on success checks that every rank can load every tensor.
  /// returns the step; -1: the run starts anew
  int64_t resume(Resume how = Resume::IfAny) const {
    int64_t step = -1;
    LaunchOptions options;
    options.log = Log(LogLevel::Error);
    launch_local(kRanks, options, [&](RankContext& context) {
      auto found = find_checkpoint_to_resume(
          context, folder_of(context.rank), sharing(), {how, false});
      if (!found) {
        return;
      }
      if (context.rank == 0) {
        step = found->state().step;
      }
      const std::set<std::string> all{"r0", "r1", "r2", "r3", "unknown"};
      const TensorLookup find = found->lookup(all);
      EXPECT_FALSE(find("unknown").defined());
      for (int rank = 0; rank < kRanks; ++rank) {
        const CheckpointParts parts = parts_of(rank, found->state().step);
        for (const auto& [name, tensor] : parts.at(rank)) {
          ASSERT_TRUE(find(name).defined()) << name;
          EXPECT_TRUE(at::equal(find(name), tensor)) << name;
        }
      }
    });
    return step;
  }

  std::vector<std::string> entries(const std::string& host) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / host)) {
      if (!entry.is_directory()) {
        names.push_back(fs::relative(entry.path(), root_ / host).string());
      }
    }
    std::ranges::sort(names);
    return names;
  }

  fs::path root_;
};

}  // namespace pp
