// The output of each generator, small enough to check by eye.

#include "runtime/schedule/lower.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

TEST(GPipe, TwoRanksThreeMicrobatches) {
  EXPECT_EQ(
      csv("GPipe", {2, 2, 3}),
      "0F0,0F1,0F2,0B0,0B1,0B2\n"
      "1F0,1F1,1F2,1B0,1B1,1B2\n");
}

TEST(GPipe, SeveralStagesOfOneRankFollowEachOther) {
  EXPECT_EQ(
      csv("GPipe", {1, 3, 2}),
      "0F0,1F0,2F0,0F1,1F1,2F1,2B0,1B0,0B0,2B1,1B1,0B1\n");
  EXPECT_EQ(
      csv("GPipe", {2, 3, 1}),
      "0F0,1F0,1B0,0B0\n"
      "2F0,2B0\n");
}

TEST(OneFOneB, TwoRanksThreeMicrobatches) {
  EXPECT_EQ(
      csv("1F1B", {2, 2, 3}),
      "0F0,0F1,0B0,0F2,0B1,0B2\n"
      "1F0,1B0,1F1,1B1,1F2,1B2\n");
}

TEST(OneFOneB, FewerMicrobatchesThanRanks) {
  EXPECT_EQ(
      csv("1F1B", {3, 3, 1}),
      "0F0,0B0\n"
      "1F0,1B0\n"
      "2F0,2B0\n");
}

TEST(OneFOneB, OneRankFinishesEachMicrobatch) {
  EXPECT_EQ(csv("1F1B", {1, 2, 2}), "0F0,1F0,1B0,0B0,0F1,1F1,1B1,0B1\n");
}

TEST(Interleaved1F1B, TwoRanksFourStagesTwoMicrobatches) {
  EXPECT_EQ(
      csv("Interleaved1F1B", {2, 4, 2}),
      "0F0,0F1,2F0,2F1,2B0,2B1,0B0,0B1\n"
      "1F0,1F1,3F0,3B0,3F1,3B1,1B0,1B1\n");
}

TEST(Interleaved1F1B, ACountThatFillsNoRoundLeavesTheLastOneShort) {
  EXPECT_EQ(
      csv("Interleaved1F1B", {2, 4, 5}),
      "0F0,0F1,2F0,2F1,0F2,2B0,0F3,2B1,2F2,0B0,2F3,0B1,0F4,2B2,2B3,2F4,0B2,"
      "0B3,2B4,0B4\n"
      "1F0,1F1,3F0,3B0,3F1,3B1,1F2,1B0,1F3,1B1,3F2,3B2,3F3,3B3,1F4,1B2,1B3,"
      "3F4,3B4,1B4\n");
}

TEST(LoopedBFS, BackwardsRunInDescendingOrder) {
  EXPECT_EQ(
      csv("LoopedBFS", {2, 4, 2}),
      "0F0,0F1,2F0,2F1,2B1,2B0,0B1,0B0\n"
      "1F0,1F1,3F0,3F1,3B1,3B0,1B1,1B0\n");
}

TEST(InterleavedZeroBubble, WeightGradientsWaitRankInputGradients) {
  EXPECT_EQ(
      csv("InterleavedZeroBubble", {2, 4, 2}),
      "0F0,0F1,2F0,2F1,2I0,2W0,2I1,2W1,0I0,0W0,0I1,0W1\n"
      "1F0,1F1,3F0,3I0,3F1,3I1,3W0,1I0,3W1,1I1,1W0,1W1\n");
}

TEST(ZBVZeroBubble, TwoRanksThreeMicrobatches) {
  EXPECT_EQ(
      csv("ZBVZeroBubble", {2, 4, 3}),
      "0F0,0F1,0F2,3F0,3I0,3W0,3F1,3I1,3W1,0I0,0W0,3F2,3I2,3W2,0I1,0W1,0I2,"
      "0W2\n"
      "1F0,2F0,1F1,2F1,2I0,2W0,1F2,1I0,1W0,2F2,2I1,2W1,1I1,2I2,1I2,1W1,2W2,"
      "1W2\n");
}

TEST(DualPipeV, TwoRanksFourMicrobatches) {
  EXPECT_EQ(
      csv("DualPipeV", {2, 4, 4}),
      "0F0,0F1,0F2,3F0,3I0,3W0,3F1,(0F3;3B1)OVERLAP_F_B,(3F2;0B0)OVERLAP_F_B,"
      "3B2,(3F3;0B1)OVERLAP_F_B,3B3,0I2,0W2,0I3,0W3\n"
      "1F0,2F0,1F1,2F1,1F2,2B0,(2F2;1B0)OVERLAP_F_B,(1F3;2B1)OVERLAP_F_B,"
      "(2F3;1B1)OVERLAP_F_B,2B2,1B2,2I3,1I3,2W3,1W3\n");
}

TEST(DualPipeV, WithFewMicrobatchesTheOtherHalfOfAPairStandsAlone) {
  EXPECT_EQ(
      csv("DualPipeV", {2, 4, 1}),
      "0F0,3F0,3I0,3W0,0B0\n"
      "1F0,2F0,2B0,1B0\n");
}

TEST(VHalf, TwoRanksTwoMicrobatches) {
  EXPECT_EQ(
      csv("VHalf", {2, 4, 2}),
      "0F0,3F0,0F1,3I0,3W0,3F1,0I0,3I1,3W1,0W0,0I1,0W1\n"
      "1F0,2F0,1F1,2F1,2I0,2W0,1I0,1W0,2I1,2W1,1I1,1W1\n");
}

TEST(VMin, OneMicrobatchGoesDownAndUpTwice) {
  EXPECT_EQ(
      csv("VMin", {2, 4, 1}),
      "0F0,3F0,3I0,3W0,0I0,0W0\n"
      "1F0,2F0,2I0,1I0,2W0,1W0\n");
}

TEST(ForwardOnly, KeepsTheOrderOfForwards) {
  EXPECT_EQ(
      to_csv(forward_only(find_schedule("DualPipeV").generate({2, 4, 3}))),
      "0F0,0F1,0F2,3F0,3F1,3F2\n"
      "1F0,2F0,1F1,2F1,1F2,2F2\n");
}

TEST(Lower, PutsBothEndsOfAMessageWhereItsSenderMakesIt) {
  EXPECT_EQ(
      to_csv(add_send_recv(find_schedule("1F1B").generate({2, 2, 2}))),
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1RECV_F1,1B0,1SEND_B0,1F1,1B1,1SEND_B1\n");
}

TEST(Lower, NeighboursOnOneRankExchangeNoMessages) {
  const Schedule lowered = lower(find_schedule("1F1B").generate({1, 4, 3}));
  EXPECT_EQ(
      to_csv(add_send_recv(find_schedule("1F1B").generate({1, 2, 1}))),
      "0F0,1F0,1B0,0B0\n");
  for (const Action& action : lowered.ranks[0]) {
    EXPECT_TRUE(
        is_compute(action.kind) || action.kind == ActionKind::ReduceGrad ||
        action.kind == ActionKind::WaitReduceGrad)
        << to_string(action);
  }
}

TEST(Lower, GivesTheExecutorSendsWaitsAndReductions) {
  EXPECT_EQ(
      to_csv(lower(find_schedule("GPipe").generate({2, 2, 1}))),
      "0F0,0SEND_F0,0RECV_B0,0B0,0WAIT_SEND_F0,0REDUCE_GRAD,"
      "0WAIT_REDUCE_GRAD\n"
      "1RECV_F0,1F0,1B0,1SEND_B0,1REDUCE_GRAD,1WAIT_REDUCE_GRAD,"
      "1WAIT_SEND_B0\n");
}

TEST(Lower, InferenceKeepsTwoSendsUnderWay) {
  EXPECT_EQ(
      to_csv(lower(forward_only(find_schedule("GPipe").generate({2, 2, 4})))),
      "0F0,0SEND_F0,0F1,0SEND_F1,0F2,0WAIT_SEND_F0,0SEND_F2,0F3,"
      "0WAIT_SEND_F1,0SEND_F3,0WAIT_SEND_F2,0WAIT_SEND_F3\n"
      "1RECV_F0,1F0,1RECV_F1,1F1,1RECV_F2,1F2,1RECV_F3,1F3\n");
}

TEST(Passes, MergeJoinsOnlyNeighbours) {
  EXPECT_EQ(
      to_csv(merge_backward(schedule_of("0F0,0F1,0I0,0W0,0I1,0W1\n"))),
      "0F0,0F1,0B0,0B1\n");
  EXPECT_EQ(
      to_csv(merge_backward(schedule_of("0F0,0F1,0I0,0I1,0W0,0W1\n"))),
      "0F0,0F1,0I0,0I1,0W0,0W1\n");
}

TEST(Passes, DeferredReceivesComeBeforeTheirUseAndBeforeSends) {
  const Schedule early = schedule_of(
      "0F0,0SEND_F0,0F1,0SEND_F1,0F2,0SEND_F2\n"
      "1RECV_F0,1RECV_F1,1RECV_F2,1F0,1F1,1F2\n");
  EXPECT_EQ(
      to_csv(defer_recv(early)),
      "0F0,0SEND_F0,0F1,0SEND_F1,0F2,0SEND_F2\n"
      "1RECV_F0,1F0,1RECV_F1,1F1,1RECV_F2,1F2\n");
  const Schedule with_send = schedule_of(
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1RECV_F1,1B0,1SEND_B0,1F1,1B1,1SEND_B1\n");
  EXPECT_EQ(
      to_csv(defer_recv(with_send)),
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1B0,1RECV_F1,1SEND_B0,1F1,1B1,1SEND_B1\n");
}

TEST(Passes, SendLimitMovesWaitsUp) {
  const Schedule lowered = lower(find_schedule("GPipe").generate({2, 2, 3}));
  EXPECT_EQ(
      to_csv(limit_sends(lowered, 1)),
      "0F0,0SEND_F0,0F1,0WAIT_SEND_F0,0SEND_F1,0F2,0WAIT_SEND_F1,0SEND_F2,"
      "0RECV_B0,0B0,0RECV_B1,0B1,0RECV_B2,0B2,0WAIT_SEND_F2,0REDUCE_GRAD,"
      "0WAIT_REDUCE_GRAD\n"
      "1RECV_F0,1F0,1RECV_F1,1F1,1RECV_F2,1F2,1B0,1SEND_B0,1B1,"
      "1WAIT_SEND_B0,1SEND_B1,1B2,1WAIT_SEND_B1,1SEND_B2,1REDUCE_GRAD,"
      "1WAIT_REDUCE_GRAD,1WAIT_SEND_B2\n");
}

TEST(Passes, AReductionIsWaitedForBeforeTheNext) {
  EXPECT_EQ(
      to_csv(add_reduce_grad(
          schedule_of("0F0,1F0,1B0,0B0\n"), ReduceWait::Deferred)),
      "0F0,1F0,1B0,1REDUCE_GRAD,0B0,1WAIT_REDUCE_GRAD,0REDUCE_GRAD,"
      "0WAIT_REDUCE_GRAD\n");
}

TEST(Passes, UnshardFetchesWhatComesNext) {
  EXPECT_EQ(
      to_csv(add_unshard(schedule_of("0F0,1F0,2F0,3F0,3B0,2B0,1B0,0B0\n"), 2)),
      "0UNSHARD,1UNSHARD,0F0,0RESHARD,2UNSHARD,1F0,1RESHARD,3UNSHARD,2F0,"
      "3F0,3B0,3RESHARD,1UNSHARD,2B0,2RESHARD,0UNSHARD,1B0,1RESHARD,0B0,"
      "0RESHARD\n");
}

}  // namespace
}  // namespace pp
