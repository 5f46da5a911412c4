#include "runtime/schedule/validate.h"

#include "runtime/schedule/lower.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

// Every error path of validate(), by its text.

struct Broken {
  std::string_view text;
  int microbatches;
  bool training;
  std::string_view message;
};

class ValidateRefuses : public testing::TestWithParam<Broken> {};

TEST_P(ValidateRefuses, WithRankPositionAndReason) {
  const Broken& broken = GetParam();
  EXPECT_EQ(
      message_of(
          ErrorKind::Usage,
          [&] {
            validate(
                schedule_of(broken.text), broken.microbatches, broken.training);
          }),
      broken.message);
}

INSTANTIATE_TEST_SUITE_P(
    ComputeActions,
    ValidateRefuses,
    testing::Values(
        Broken{
            "0F0,0F0,0B0\n",
            1,
            true,
            "rank 0, position 1: 0F0 appears a second time"},
        Broken{
            "0F0,0F1,0B0\n",
            2,
            true,
            "rank 0 lacks 0B1; each stage needs F and B (or I and W) of "
            "microbatches 0 to 1"},
        Broken{
            "0F0,0F1,0B0,0I1\n",
            2,
            true,
            "rank 0 lacks 0W1; each stage needs F and B (or I and W) of "
            "microbatches 0 to 1"},
        Broken{
            "0F0\n",
            2,
            false,
            "rank 0 lacks 0F1; each stage needs F of microbatches 0 to 1"},
        Broken{
            "0F0,0F1,0B0,0B1\n",
            1,
            true,
            "rank 0, position 1: 0F1 names a microbatch outside 0 to 0"},
        Broken{
            "0B0,0F0\n", 1, true, "rank 0, position 0: 0B0 comes before 0F0"},
        Broken{
            "0F0,0W0,0I0\n",
            1,
            true,
            "rank 0, position 1: 0W0 comes before 0I0"},
        Broken{
            "0F0,0B0,0I0,0W0\n",
            1,
            true,
            "rank 0, position 2: 0I0 is a second backward of its microbatch"},
        Broken{
            "0F0,0B0\n",
            1,
            false,
            "rank 0, position 1: 0B0 is a backward, but the schedule only "
            "runs forwards"},
        Broken{
            "0F0,0B0\n",
            0,
            true,
            "a schedule needs at least 1 microbatch, got 0"}),
    [](const auto& tested) { return "case" + std::to_string(tested.index); });

INSTANTIATE_TEST_SUITE_P(
    Messages,
    ValidateRefuses,
    testing::Values(
        Broken{
            "0F0,0SEND_F0\n1F0\n",
            1,
            false,
            "rank 1, position 0: 1F0 comes before 1RECV_F0"},
        Broken{
            "0F0\n1RECV_F0,1F0\n",
            1,
            false,
            "rank 0 lacks 0SEND_F0; each stage needs F of microbatches 0 "
            "to 0, and both ends of each message"},
        Broken{
            "0SEND_F0,0F0\n1RECV_F0,1F0\n",
            1,
            false,
            "rank 0, position 0: 0SEND_F0 comes before 0F0"},
        Broken{
            "0F0,0SEND_F0,1F0\n",
            1,
            false,
            "rank 0, position 1: 0SEND_F0 needs a neighbouring stage on "
            "another rank, but there is none"},
        Broken{
            "0F0,0SEND_F0,0F1,0SEND_F1\n1RECV_F1,1RECV_F0,1F0,1F1\n",
            2,
            false,
            "rank 0 sends 0SEND_F0 at position 1, but rank 1 receives 1RECV_F1 "
            "from it next, at position 0; two ranks must list their messages "
            "in the same order"},
        Broken{
            "0F0,0SEND_F0,0F1,0SEND_F1,0WAIT_SEND_F1\n"
            "1RECV_F0,1RECV_F1,1F0,1F1\n",
            2,
            false,
            "rank 0 lacks 0WAIT_SEND_F0; each stage needs F of "
            "microbatches 0 to 1, and both ends of each message"},
        Broken{
            "0F0,0WAIT_SEND_F0,0SEND_F0\n1RECV_F0,1F0\n",
            1,
            false,
            "rank 0, position 1: 0WAIT_SEND_F0 comes before 0SEND_F0"},
        Broken{
            "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1SEND_B0,1B0\n",
            1,
            true,
            "rank 1, position 2: 1SEND_B0 comes before 1B0"},
        Broken{
            "0F0,0SEND_F0,0B0,0RECV_B0\n1RECV_F0,1F0,1B0,1SEND_B0\n",
            1,
            true,
            "rank 0, position 2: 0B0 comes before 0RECV_B0"}),
    [](const auto& tested) { return "case" + std::to_string(tested.index); });

INSTANTIATE_TEST_SUITE_P(
    StageActions,
    ValidateRefuses,
    testing::Values(
        Broken{
            "0F0,0F1,0B0,0REDUCE_GRAD,0B1\n",
            2,
            true,
            "rank 0, position 3: 0REDUCE_GRAD must come after all 2 "
            "backwards of the stage, but comes after 1"},
        Broken{
            "0F0,0B0,0WAIT_REDUCE_GRAD,0REDUCE_GRAD\n",
            1,
            true,
            "rank 0, position 2: 0WAIT_REDUCE_GRAD comes before its "
            "REDUCE_GRAD"},
        Broken{
            "0UNSHARD,0F0,0RESHARD,0B0\n",
            1,
            true,
            "rank 0, position 3: 0B0 needs an UNSHARD of its stage first, "
            "and again after each RESHARD"},
        Broken{
            "0UNSHARD,0UNSHARD,0F0\n",
            1,
            false,
            "rank 0, position 1: 0UNSHARD repeats an UNSHARD of its stage; a "
            "RESHARD must come between"},
        Broken{
            "0RESHARD,0F0\n",
            1,
            false,
            "rank 0, position 0: 0RESHARD has no matching UNSHARD of its stage "
            "before it"},
        Broken{
            "0F0,1F0,1B0,1REDUCE_GRAD,0B0\n",
            1,
            true,
            "rank 0 lacks 0REDUCE_GRAD; each stage needs F and B (or I "
            "and W) of microbatches 0 to 0"}),
    [](const auto& tested) { return "case" + std::to_string(tested.index); });

TEST(Validate, NamesTheCycleOfRanksThatWaitForEachOther) {
  const Schedule schedule = schedule_of("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 2, true); }),
      "the schedule deadlocks: rank 0 is stuck at 0B0 and waits for 1B0 of "
      "rank 1; rank 1 is stuck at 1F1 and waits for 0F1 of rank 0");
}

TEST(Validate, NamesTheChainToARankThatHasEnded) {
  // An action that the other rank never does is refused earlier, so this waits
  // for the rank's own later action.
  const Schedule schedule = schedule_of("1F0,0F0,1B0,0B0\n");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 1, true); }),
      "the schedule deadlocks: rank 0 is stuck at 1F0 and waits for 0F0 of "
      "rank 0");
}

TEST(Validate, RefusesWhatRunsOnlyWhereSendsAreBuffered) {
  // Each rank sends first and receives afterwards.
  const Schedule schedule = schedule_of(
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1B0,1SEND_B0,1RECV_F1,1F1,1B1,1SEND_B1\n");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 2, true); }),
      "the schedule deadlocks if sends wait for their receivers: rank 0 "
      "is stuck at 0SEND_F1 and waits for 1RECV_F1 of rank 1; rank 1 is stuck "
      "at "
      "1SEND_B0 and waits for 0RECV_B0 of rank 0");
}

TEST(Validate, ChecksPlacement) {
  Schedule schedule = schedule_of("0F0\n1F0\n");
  schedule.stage_to_rank = {0, 2};
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 1, false); }),
      "stage 1 is on rank 2, but the schedule has ranks 0 to 1");
  schedule.stage_to_rank = {1, 1};
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 1, false); }),
      "rank 0 lists 0F0 at position 0, but stage 0 is on rank 1");
  schedule.stage_to_rank = {0, 1};
  schedule.ranks[1][0].set_stage(7);
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 1, false); }),
      "rank 1 lists 7F0 at position 0, but there are stages 0 to 1");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate({}, 1, false); }),
      "the schedule has no ranks or no stages");
}

TEST(Validate, APairNeedsItsSecondHalf) {
  Schedule schedule = schedule_of("0F0,0B0\n");
  schedule.ranks[0][1].overlaps_next = true;
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { validate(schedule, 1, true); }),
      "rank 0, position 1: 0B0 overlaps the next action, but is the last");
}

TEST(Validate, LossOrderIsFree) {
  validate(schedule_of("0F1,0F0,0B1,0B0\n1F1,1B1,1F0,1B0\n"), 2, true);
}

// Sizes that are not possible for a schedule.

struct Sizes {
  std::string_view name;
  Shape shape;
  std::string_view message;
};

class GenerateRefuses : public testing::TestWithParam<Sizes> {};

TEST_P(GenerateRefuses, WithTheNearestValidSizes) {
  const Sizes& sizes = GetParam();
  EXPECT_EQ(
      message_of(
          ErrorKind::Usage,
          [&] { find_schedule(sizes.name).generate(sizes.shape); }),
      sizes.message);
}

INSTANTIATE_TEST_SUITE_P(
    Errors,
    GenerateRefuses,
    testing::Values(
        Sizes{
            "1F1B",
            {4, 3, 8},
            "1F1B on 4 ranks needs at least 4 stages, got 3; split into 4 "
            "stages or start 3 ranks"},
        Sizes{
            "Interleaved1F1B",
            {4, 6, 8},
            "Interleaved1F1B on 4 ranks needs the same number of stages on "
            "each, got 6 stages; split into 4 or 8"},
        Sizes{
            "LoopedBFS",
            {4, 3, 8},
            "LoopedBFS on 4 ranks needs the same number of stages on each, got "
            "3 stages; split into 4"},
        Sizes{
            "ZBVZeroBubble",
            {4, 6, 8},
            "ZBVZeroBubble on 4 ranks needs exactly 2 stages on each, got 6 "
            "stages; split into 8 stages or start 3 ranks"},
        Sizes{
            "DualPipeV",
            {1, 3, 8},
            "DualPipeV on 1 rank needs exactly 2 stages on each, got 3 stages; "
            "split into 2 stages"},
        Sizes{"GPipe", {0, 1, 1}, "GPipe needs at least 1 rank, got 0"},
        Sizes{"VMin", {1, 2, 0}, "VMin needs at least 1 microbatch, got 0"}),
    [](const auto& tested) { return "case" + std::to_string(tested.index); });

TEST(FindSchedule, OffersTheNearestNames) {
  const std::string message =
      message_of(ErrorKind::Usage, [] { find_schedule("Interleaved1F1"); });
  EXPECT_TRUE(message.starts_with(
      "unknown schedule 'Interleaved1F1'; did you mean 'Interleaved1F1B'"))
      << message;
  EXPECT_EQ(message.find("; known"), std::string::npos) << message;
  std::string known;
  for (const ScheduleEntry& entry : all_schedules()) {
    known += (known.empty() ? "; known: " : ", ") + std::string(entry.name);
  }
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [] { find_schedule("zigzagzigzag"); }),
      "unknown schedule 'zigzagzigzag'" + known);
}

TEST(AddSendRecv, RefusesAnImpossibleOrderAndASecondLowering) {
  EXPECT_EQ(
      message_of(
          ErrorKind::Usage,
          [] {
            add_send_recv(schedule_of("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n"));
          }),
      "the schedule can't be executed: rank 0 is stuck at 0B0 and waits for "
      "1B0 "
      "of rank 1; rank 1 is stuck at 1F1 and waits for 0F1 of rank 0");
  EXPECT_EQ(
      message_of(
          ErrorKind::Usage,
          [] { add_send_recv(schedule_of("0F0,0SEND_F0\n1RECV_F0,1F0\n")); }),
      "the schedule already has messages (0SEND_F0); sends and receives can "
      "only be added to compute actions");
}

TEST(Passes, RefuseLimitsThatAreTooSmall) {
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [] { limit_sends({}, 0); }),
      "a rank needs at least 1 send in flight, got 0");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [] { add_unshard({}, 1); }),
      "a rank needs room for at least 2 unsharded stages, got 1");
}

}  // namespace
}  // namespace pp
