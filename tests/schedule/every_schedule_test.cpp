// Tests each row of the registry over a grid of shapes, and so every new
// schedule too.

#include <algorithm>
#include <array>
#include <cctype>

#include "runtime/schedule/lower.h"
#include "runtime/schedule/simulate.h"
#include "runtime/schedule/validate.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

struct Case {
  int entry = 0;
  int ranks = 1;
};

constexpr std::array kMicrobatches = {
    1, 2, 3, 4, 5, 7, 8, 9, 11, 16, 17, 26, 31};

class EverySchedule : public testing::TestWithParam<Case> {
 protected:
  const ScheduleEntry& entry() const {
    return all_schedules()[GetParam().entry];
  }
  Shape shape(int stages_per_rank, int microbatches) const {
    return {GetParam().ranks, GetParam().ranks * stages_per_rank, microbatches};
  }

  // Runs `test` with the schedule of this row for each number of microbatches.
  template <typename Test>
  void for_each_size(Test test) const {
    for (const int microbatches : kMicrobatches) {
      SCOPED_TRACE(std::to_string(microbatches) + " microbatches");
      test(
          entry().generate(
              shape(entry().default_stages_per_rank, microbatches)),
          microbatches);
    }
  }
};

void expect_valid(
    const Schedule& schedule, int microbatches, bool training = true) {
  EXPECT_NO_THROW(validate(schedule, microbatches, training));
}

TEST_P(EverySchedule, IsValid) {
  for_each_size([](const Schedule& schedule, int microbatches) {
    expect_valid(schedule, microbatches);
  });
}

TEST_P(EverySchedule, LowersToAValidSchedule) {
  for_each_size([](const Schedule& schedule, int microbatches) {
    const Schedule lowered = lower(schedule);
    for (const Schedule& made :
         {add_send_recv(schedule),
          lowered,
          defer_recv(lowered),
          limit_sends(lowered, 1),
          limit_sends(defer_recv(lowered), 2),
          merge_backward(schedule),
          lower(merge_backward(schedule)),
          lower(add_unshard(schedule)),
          add_wait_send(add_send_recv(add_reduce_grad(
              add_unshard(schedule, 2), ReduceWait::Deferred)))}) {
      expect_valid(made, microbatches);
    }
  });
}

TEST_P(EverySchedule, RunsForwardOnly) {
  for_each_size([](const Schedule& schedule, int microbatches) {
    const Schedule forwards = forward_only(schedule);
    expect_valid(forwards, microbatches, false);
    expect_valid(lower(forwards), microbatches, false);
    expect_valid(defer_recv(lower(forwards)), microbatches, false);
  });
}

TEST_P(EverySchedule, IsReadBackAsItWasWritten) {
  for_each_size([](const Schedule& schedule, int) {
    for (const Schedule& written : {schedule, lower(schedule)}) {
      const Schedule again = parse_csv(to_csv(written), "again.csv");
      EXPECT_EQ(again.stage_to_rank, written.stage_to_rank);
      EXPECT_EQ(again.ranks, written.ranks);
    }
  });
}

// Blocks and loops allow any number of stages per rank, a V exactly two.
TEST_P(EverySchedule, AllowsOneToFourStagesPerRankOrExactlyTwo) {
  for (const int microbatches : kMicrobatches) {
    std::vector<int> accepted;
    for (int stages_per_rank = 1; stages_per_rank <= 4; ++stages_per_rank) {
      try {
        expect_valid(
            lower(entry().generate(shape(stages_per_rank, microbatches))),
            microbatches);
        accepted.push_back(stages_per_rank);
      } catch (const Error& error) {
        EXPECT_NE(
            std::string(error.what()).find("split into "), std::string::npos);
      }
    }
    EXPECT_TRUE(
        accepted == (std::vector{1, 2, 3, 4}) || accepted == std::vector{2});
  }
}

// Invariant 1 depends on this: the order of additions determines the last bits.
TEST_P(EverySchedule, RunsEachStagesMicrobatchesInOneOrder) {
  const bool descends = entry().name == "LoopedBFS";
  for_each_size([&](const Schedule& schedule, int) {
    std::vector<int32_t> forward(schedule.stage_to_rank.size(), -1);
    std::vector<int32_t> weight(schedule.stage_to_rank.size(), -1);
    for (const auto& program : schedule.ranks) {
      for (const Action& action : program) {
        const int32_t mb = action.microbatch;
        if (action.kind == ActionKind::Forward) {
          EXPECT_EQ(mb, forward[action.stage] + 1);
          forward[action.stage] = mb;
        } else if (action.kind != ActionKind::BackwardInput) {
          int32_t& last = weight[action.stage];
          EXPECT_TRUE(last < 0 || mb == last + (descends ? -1 : 1))
              << to_string(action) << " after " << last;
          last = mb;
        }
      }
    }
  });
}

TEST_P(EverySchedule, IsSimulatedAlikeBeforeAndAfterLowering) {
  for_each_size([](const Schedule& schedule, int microbatches) {
    const Timeline plain = simulate(schedule, {});
    const Timeline lowered = simulate(lower(schedule), {});
    EXPECT_DOUBLE_EQ(plain.makespan, lowered.makespan);
    EXPECT_DOUBLE_EQ(plain.bubble, lowered.bubble);
    // Every stage and microbatch needs F, I and W, one unit each.
    const auto stages = static_cast<double>(schedule.stage_to_rank.size());
    const auto ranks = static_cast<double>(schedule.ranks.size());
    const double work = 3 * stages * microbatches / ranks;
    EXPECT_NEAR(plain.makespan * (1 - plain.bubble), work, 1e-9 * work);
  });
}

TEST_P(EverySchedule, KeepsNoMoreAliveThanAllMicrobatches) {
  for_each_size([](const Schedule& schedule, int microbatches) {
    for (const RankTimeline& rank : simulate(schedule, {}).ranks) {
      EXPECT_LE(rank.peak_microbatches, microbatches);
      EXPECT_GE(rank.peak_live, 1);
    }
  });
}

std::vector<Case> grid() {
  std::vector<Case> cases;
  for (int i = 0; i < static_cast<int>(all_schedules().size()); ++i) {
    for (const int ranks : {1, 2, 3, 4, 5, 8, 13}) {
      cases.push_back({i, ranks});
    }
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& tested) {
  // A test's name can't begin with a digit, as 1F1B does.
  return "S" + std::string(all_schedules()[tested.param.entry].name) + "_" +
         std::to_string(tested.param.ranks) + "ranks";
}

INSTANTIATE_TEST_SUITE_P(
    Grid, EverySchedule, testing::ValuesIn(grid()), case_name);

TEST(Registry, NamesAreFoundWithoutCaseAndAreUnique) {
  for (const ScheduleEntry& entry : all_schedules()) {
    std::string upper(entry.name);
    std::ranges::transform(upper, upper.begin(), [](unsigned char letter) {
      return static_cast<char>(std::toupper(letter));
    });
    EXPECT_EQ(&find_schedule(upper), &entry);
  }
}

}  // namespace
}  // namespace pp
