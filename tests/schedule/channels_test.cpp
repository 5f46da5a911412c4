#include "runtime/schedule/channels.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "runtime/schedule/lower.h"

namespace pp {
namespace {

TEST(Channels, ThreeRanksInARow) {
  const Schedule schedule = lower(find_schedule("1F1B").generate({3, 3, 4}));
  EXPECT_EQ(
      channels_of(schedule),
      (std::vector<Channel>{{0, 1}, {1, 0}, {1, 2}, {2, 1}}));
  EXPECT_EQ(
      channels_of(
          lower(forward_only(find_schedule("1F1B").generate({3, 3, 4})))),
      (std::vector<Channel>{{0, 1}, {1, 2}}));
}

TEST(Channels, StagesOnOneRankNeedNone) {
  EXPECT_TRUE(
      channels_of(lower(find_schedule("Interleaved1F1B").generate({1, 4, 4})))
          .empty());
}

struct EveryScheduleOn : ::testing::TestWithParam<std::tuple<int, int>> {
  static Schedule lowered(const ScheduleEntry& entry) {
    const auto [ranks, microbatches] = GetParam();
    return lower(entry.generate(
        {ranks, ranks * entry.default_stages_per_rank, microbatches}));
  }
};

/// The channel of every send.
std::set<Channel> used(const Schedule& schedule) {
  std::set<Channel> out;
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    for (const Action& action : schedule.ranks[rank]) {
      const bool forward = action.kind == ActionKind::SendForward;
      if (forward || action.kind == ActionKind::SendBackward) {
        out.insert(
            {static_cast<int>(rank),
             schedule.stage_to_rank[action.stage + (forward ? 1 : -1)]});
      }
    }
  }
  return out;
}

TEST_P(EveryScheduleOn, HasTheChannelsItSendsOn) {
  for (const ScheduleEntry& entry : all_schedules()) {
    const Schedule schedule = lowered(entry);
    const std::vector<Channel> channels = channels_of(schedule);
    EXPECT_EQ(
        std::set<Channel>(channels.begin(), channels.end()), used(schedule))
        << entry.name;
  }
}

// Each rank opens its own channels in order, each time waiting for the other
// end.
TEST_P(EveryScheduleOn, CanOpenThemWithoutADeadlock) {
  for (const ScheduleEntry& entry : all_schedules()) {
    const Schedule schedule = lowered(entry);
    std::map<int, std::vector<Channel>> to_open;  // the next one is last
    size_t left = 0;
    for (const Channel& channel : channels_of(schedule)) {
      to_open[channel.from].insert(to_open[channel.from].begin(), channel);
      to_open[channel.to].insert(to_open[channel.to].begin(), channel);
      ++left;
    }
    for (bool opened = true; opened;) {
      opened = false;
      for (auto& [rank, own] : to_open) {
        if (own.empty()) {
          continue;
        }
        const Channel next = own.back();
        auto& other = to_open[next.from == rank ? next.to : next.from];
        if (!other.empty() && other.back() == next) {
          own.pop_back();
          other.pop_back();
          --left;
          opened = true;
        }
      }
    }
    EXPECT_EQ(left, 0) << entry.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Channels,
    EveryScheduleOn,
    ::testing::Values(
        std::tuple{2, 4},
        std::tuple{3, 6},
        std::tuple{4, 8},
        std::tuple{8, 16}),
    [](const auto& sizes) {
      return "Ranks" + std::to_string(std::get<0>(sizes.param));
    });

}  // namespace
}  // namespace pp
