#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/schedule/group_stages.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

using ::testing::ElementsAre;

TEST(Groups, AreAsEvenAsPossible) {
  EXPECT_THAT(even_groups(8, 3), ElementsAre(3, 3, 2));
  EXPECT_THAT(even_groups(4, 4), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(even_groups(5, 1), ElementsAre(5));
}

TEST(Groups, ForwardsAscendAndBackwardsDescend) {
  const Schedule grouped = schedule_of("0F0,0B0\n1F0,1I0,1W0\n");
  EXPECT_EQ(
      to_csv(expand_groups(grouped, {2, 3})),
      "0F0,1F0,1B0,0B0\n"
      "2F0,3F0,4F0,4I0,3I0,2I0,4W0,3W0,2W0\n");
}

TEST(Groups, MessagesBelongToTheOuterStages) {
  const Schedule grouped =
      schedule_of("0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n");
  EXPECT_EQ(
      to_csv(expand_groups(grouped, {2, 2})),
      "0F0,1F0,1SEND_F0,1RECV_B0,1B0,0B0\n"
      "2RECV_F0,2F0,3F0,3B0,2B0,2SEND_B0\n");
}

TEST(Groups, APairOverlapsAtItsNeighbours) {
  const Schedule grouped =
      schedule_of("0F0,(0F1;1B0)OVERLAP_F_B,0B0,0B1,1F0,1F1,1B1\n");
  EXPECT_EQ(
      to_csv(expand_groups(grouped, {2, 1})),
      "0F0,1F0,0F1,(1F1;2B0)OVERLAP_F_B,1B0,0B0,1B1,0B1,2F0,2F1,2B1\n");
}

TEST(Groups, EveryScheduleLowersWithThem) {
  for (const ScheduleEntry& entry : all_schedules()) {
    for (const int ranks : {1, 2, 3}) {
      for (const int microbatches : {1, 4, 7}) {
        const int groups = ranks * entry.default_stages_per_rank;
        const Schedule grouped = entry.generate({ranks, groups, microbatches});
        for (const int stages : {groups, groups + 1, 3 * groups}) {
          const Schedule schedule =
              lower(expand_groups(grouped, even_groups(stages, groups)));
          EXPECT_NO_THROW(validate(schedule, microbatches, true))
              << entry.name << ", " << ranks << " ranks, " << stages
              << " stages, " << microbatches << " microbatches";
        }
      }
    }
  }
}

}  // namespace
}  // namespace pp
