#include "runtime/schedule/rank_map.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

std::string error_of(const Schedule& schedule, std::vector<int> rank_map) {
  try {
    renumber_ranks(schedule, rank_map);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error.what();
  }
  return "no error";
}

TEST(RankMap, RenumbersTheRanks) {
  const Schedule own = find_schedule("1F1B").generate({3, 3, 4});
  const std::vector<int> map = {2, 0, 1};
  const Schedule other = renumber_ranks(own, map);
  EXPECT_EQ(other.stage_to_rank, map);
  for (int stage = 0; stage < 3; ++stage) {
    EXPECT_EQ(other.ranks[map[stage]], own.ranks[stage]);
  }
  EXPECT_NO_THROW(validate(lower(other), 4, true));
}

TEST(RankMap, StagesOfOneRankStayTogether) {
  const Schedule own = find_schedule("ZBVZeroBubble").generate({2, 4, 4});
  const Schedule other = renumber_ranks(own, std::vector<int>{1, 0, 0, 1});
  EXPECT_NO_THROW(validate(lower(other), 4, true));
  EXPECT_EQ(
      error_of(own, {0, 1, 0, 1}),
      "pipeline.rank_map puts stages 0 and 2 on one rank, but the schedule "
      "puts "
      "them on two; it may only renumber the schedule's ranks");
  EXPECT_EQ(
      error_of(own, {0, 1, 1}),
      "pipeline.rank_map places 3 stages, but the model is split into 4");
  EXPECT_EQ(
      error_of(own, {0, 1, 1, 2}),
      "pipeline.rank_map puts stage 3 on rank 2; ranks are 0 to 1");
}

}  // namespace
}  // namespace pp
