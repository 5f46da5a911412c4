#include <gtest/gtest.h>

#include "runtime/rank/failure.h"
#include "tests/launch/ranks.h"
#include "tests/support/paths.h"

namespace pp::testing {
namespace {

class Torchrun : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kProgram)) {
      GTEST_SKIP() << "no torchrun in the project's .venv";
    }
  }

  /// The exit code of torchrun with three ranks.
  int run(const std::vector<std::string>& rank_command) {
    std::vector<std::string> command = {
        kProgram,
        "--standalone",
        "--nproc-per-node=3",
        "--no-python",
    };
    command.insert(command.end(), rank_command.begin(), rank_command.end());
    sigset_t mask;
    sigemptyset(&mask);
    std::vector<Child> torchrun;
    torchrun.emplace_back(command, std::map<std::string, std::string>{}, mask);
    return wait_for_all(torchrun) ? torchrun[0].poll()->code : -1;
  }

  const std::string kProgram =
      (test::python().parent_path() / "torchrun").string();
};

TEST_F(Torchrun, RanksJoinItsStoreAndWork) {
  const RankDir dir;
  EXPECT_EQ(run(dir.command("work")), 0);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(dir.error(rank), "");
  }
}

TEST_F(Torchrun, AKilledRankIsNamed) {
  const RankDir dir;
  EXPECT_EQ(run(dir.command("kill", 1)), 1);
  for (const int rank : {0, 2}) {
    EXPECT_EQ(
        dir.error(rank),
        "rank 1 (" + host_name() + "): died without reporting an error");
    EXPECT_EQ(dir.code(rank), 4);
    EXPECT_LT(dir.ms_to_stop(rank), 2500);
  }
}

}  // namespace
}  // namespace pp::testing
