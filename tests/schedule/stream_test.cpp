// Inference as one stream: the pipeline fills and drains once, however many
// batches there are.

#include "runtime/schedule/stream.h"

#include <algorithm>

#include "runtime/schedule/placement.h"
#include "runtime/schedule/simulate.h"
#include "runtime/schedule/validate.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

// A forward takes one unit, messages take no time.

double slots(const Schedule& schedule) {
  return simulate(schedule, CostTable{}).makespan;
}

int64_t num_slots(const StageMap& map, int64_t num_microbatches) {
  return ForwardStream(map, num_microbatches).num_slots();
}

TEST(ForwardStream, ThreeRanksTwoBatchesOfTwo) {
  EXPECT_EQ(
      to_csv(forward_stream({0, 1, 2}, 4)),
      "0F0,0SEND_F0,0F1,0SEND_F1,0F2,0WAIT_SEND_F0,0SEND_F2,0F3,"
      "0WAIT_SEND_F1,0SEND_F3,0WAIT_SEND_F2,0WAIT_SEND_F3\n"
      "1RECV_F0,1RECV_F1,1F0,1SEND_F0,1RECV_F2,1F1,1SEND_F1,1RECV_F3,1F2,"
      "1WAIT_SEND_F0,1SEND_F2,1F3,1WAIT_SEND_F1,1SEND_F3,"
      "1WAIT_SEND_F2,1WAIT_SEND_F3\n"
      "2RECV_F0,2RECV_F1,2F0,2RECV_F2,2F1,2RECV_F3,2F2,2F3\n");
}

TEST(ForwardStream, BatchesTakeOneFillAndOneDrain) {
  for (const int ranks : {1, 2, 3, 4, 8}) {
    const StageMap map =
        block_placement("GPipe", {ranks, ranks, /*num_microbatches=*/1});
    for (const int batches : {1, 2, 5, 16}) {
      for (const int microbatches : {1, 2, 4, 7}) {
        const int all = batches * microbatches;
        EXPECT_EQ(num_slots(map, all), all + ranks - 1);
        EXPECT_EQ(slots(forward_stream(map, all)), all + ranks - 1);
        // Batch by batch, which the stream replaces.
        const double one = slots(forward_only(
            find_schedule("GPipe").generate({ranks, ranks, microbatches})));
        EXPECT_EQ(batches * one, batches * (microbatches + ranks - 1));
      }
    }
  }
}

// With v stages per rank: v forwards per microbatch, and one microbatch's fill.
TEST(ForwardStream, LoopsAndVsFillOnce) {
  for (const int ranks : {1, 2, 4, 8}) {
    for (const int per_rank : {2, 3, 4}) {
      const Shape shape{ranks, ranks * per_rank, 1};
      const StageMap loop = loop_placement("Interleaved1F1B", shape);
      EXPECT_EQ(num_slots(loop, 8L * ranks), per_rank * 8 * ranks + ranks - 1);
    }
    const StageMap v = v_placement("ZBVZeroBubble", {ranks, 2 * ranks, 1});
    EXPECT_EQ(num_slots(v, 40), 2 * 40 + 2 * (ranks - 1));
  }
}

TEST(ForwardStream, IsAValidScheduleOnEveryPlacement) {
  const std::vector<StageMap> maps = {
      {0},
      {0, 0, 0},
      {0, 1},
      {0, 1, 0, 1},
      {0, 1, 1, 0},
      {0, 0, 1, 1, 2, 2, 2},
      {0, 1, 2, 0, 1, 2, 0, 1, 2},
      {3, 1, 0, 2},
      {1, 0, 1, 2, 1, 0, 0},
      {2, 0, 1, 1, 0, 2, 3, 3, 3, 0}};
  for (const StageMap& map : maps) {
    for (const int microbatches : {1, 2, 3, 4, 5, 8, 17}) {
      const Schedule schedule = forward_stream(map, microbatches);
      EXPECT_NO_THROW(validate(schedule, microbatches, false))
          << to_csv(schedule);
      EXPECT_LE(
          slots(schedule), static_cast<double>(num_slots(map, microbatches)));
    }
  }
}

TEST(ForwardStream, ItsPartsAreTheWhole) {
  for (const StageMap& map :
       {StageMap{0, 1, 2}, StageMap{0, 1, 0, 1}, StageMap{0, 1, 1, 0}}) {
    const Schedule whole = forward_stream(map, 29);
    const ForwardStream stream(map, 29);
    for (size_t rank = 0; rank < whole.ranks.size(); ++rank) {
      std::vector<Action> parts;
      for (int64_t slot = 0; slot < stream.num_slots(); slot += 7) {
        stream.append(static_cast<int>(rank), slot, slot + 7, parts);
      }
      EXPECT_EQ(parts, whole.ranks[rank]);
    }
  }
}

// Wherever a stream ends early, its parts before and after are one schedule of
// the microbatches that had begun.
TEST(ForwardStream, EndsEarlyAtAnySlot) {
  for (const StageMap& map :
       {StageMap{0},
        StageMap{0, 0},
        StageMap{0, 1, 2},
        StageMap{0, 1, 0, 1},
        StageMap{0, 1, 1, 0},
        StageMap{2, 0, 1, 1, 0}}) {
    for (int64_t end = 1; end < num_slots(map, 12); ++end) {
      ForwardStream stream(map, 12);
      Schedule schedule;
      schedule.stage_to_rank = map;
      schedule.ranks.resize(stages_by_rank(map).size());
      for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
        stream.append(static_cast<int>(rank), 0, end, schedule.ranks[rank]);
      }
      stream.end_early(end);
      for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
        stream.append(
            static_cast<int>(rank),
            end,
            stream.num_slots(),
            schedule.ranks[rank]);
      }
      const auto& first = schedule.ranks.at(map.front());
      const auto begun = std::ranges::count_if(first, [](const Action& action) {
        return action.stage == 0 && action.kind == ActionKind::Forward;
      });
      EXPECT_NO_THROW(validate(schedule, static_cast<int>(begun), false))
          << to_csv(schedule);
      EXPECT_LE(begun, end);
      EXPECT_LE(stream.num_slots(), end + num_slots(map, 1));
    }
  }
}

// The end of a run that is too long to store.
TEST(ForwardStream, NothingIsKeptForEachMicrobatch) {
  const ForwardStream stream({0, 1, 2, 3}, 1'000'000'000);
  EXPECT_EQ(stream.num_slots(), 1'000'000'003);
  std::vector<Action> last;
  stream.append(3, stream.num_slots() - 1, stream.num_slots() + 60, last);
  EXPECT_EQ(last, (std::vector<Action>{{3, 999'999'999, ActionKind::Forward}}));
}

TEST(ForwardStream, RefusesWhatActionsCannotName) {
  EXPECT_NE(
      message_of(
          ErrorKind::Usage,
          [] {
            ForwardStream({0, 1}, int64_t{1} << 31);
          })
          .find("1 to 2147483647 microbatches"),
      std::string::npos);
}

}  // namespace
}  // namespace pp
