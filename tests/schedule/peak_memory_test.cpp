#include "runtime/schedule/peak_memory.h"

#include "runtime/schedule/lower.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

Schedule lowered(std::string_view name, const Shape& shape) {
  return lower(find_schedule(name).generate(shape));
}

TEST(PeakMemory, OneFOneBKeepsOneMicrobatchForEachRankBelow) {
  const std::vector<StageMemory> stages(4, {.kept = 100, .gradients = 1000});
  const Schedule schedule = lowered("1F1B", {4, 4, 8});
  for (int rank = 0; rank < 4; ++rank) {
    const HeldMemory peak =
        peak_memory(schedule, rank, stages, SentMemory::Copied);
    EXPECT_EQ(peak.activations, 100 * (4 - rank)) << rank;
    EXPECT_EQ(peak.gradients, 1000) << rank;
    EXPECT_EQ(peak.total(), 1000 + 100 * (4 - rank)) << rank;
  }
}

TEST(PeakMemory, GradientsAreThereFromTheFirstBackwardOn) {
  // GPipe holds the most at its last forward or its first backward.
  std::vector<StageMemory> stages(
      2, {.kept = 100, .forward_work = 130, .gradients = 50});
  const Schedule schedule = lowered("GPipe", {2, 2, 3});
  HeldMemory peak = peak_memory(schedule, 1, stages, SentMemory::Copied);
  EXPECT_EQ(peak.activations, 300);
  EXPECT_EQ(peak.gradients, 50);
  stages[1].forward_work = 200;
  peak = peak_memory(schedule, 1, stages, SentMemory::Copied);
  EXPECT_EQ(peak.activations, 200);
  EXPECT_EQ(peak.work, 200);
  EXPECT_EQ(peak.gradients, 0);
}

TEST(PeakMemory, ASentTensorIsTheSendersUntilTheWaitOrGoesWithTheSend) {
  const std::vector<StageMemory> stages = {
      {.kept = 1, .output = 10, .output_gradient = 100},
      {.kept = 1, .input = 10, .input_gradient = 100}};
  const Schedule schedule = lowered("1F1B", {2, 2, 4});
  // 0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0: two activations are out.
  EXPECT_EQ(
      peak_memory(schedule, 0, stages, SentMemory::Copied).messages,
      2 * 10 + 100);
  EXPECT_EQ(
      peak_memory(schedule, 0, stages, SentMemory::HandedOver).messages, 100);
}

TEST(PeakMemory, BetweenTheHalvesASplitBackwardKeepsItsOwnShare) {
  const std::vector<StageMemory> stages = {
      {.kept = 100, .kept_for_weight = 130, .gradients = 7}};
  const Schedule schedule = schedule_of("0F0,0I0,0F1,0W0,0I1,0W1\n");
  const HeldMemory peak = peak_memory(schedule, 0, stages, SentMemory::Copied);
  EXPECT_EQ(peak.activations, 130 + 100);
  EXPECT_EQ(peak.gradients, 7) << "W0 begins while both are there";
}

TEST(PeakMemory, WithoutBackwardsNothingIsKept) {
  const std::vector<StageMemory> stages = {
      {.kept = 100, .output = 10, .forward_work = 40},
      {.kept = 100, .input = 10, .forward_work = 30}};
  const Schedule schedule =
      lower(forward_only(find_schedule("GPipe").generate({2, 2, 6})));
  const HeldMemory last =
      peak_memory(schedule, 1, stages, SentMemory::HandedOver);
  EXPECT_EQ(last.activations, 0);
  EXPECT_EQ(last.work, 30);
  EXPECT_LE(last.messages, 20);
  EXPECT_EQ(
      peak_memory(schedule, 0, stages, SentMemory::HandedOver).total(), 40);
}

}  // namespace
}  // namespace pp
