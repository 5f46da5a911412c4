#include "runtime/schedule/simulate.h"

#include "runtime/schedule/cost_text.h"
#include "runtime/schedule/lower.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

Timeline unit_run(std::string_view name, const Shape& shape) {
  return simulate(find_schedule(name).generate(shape), {});
}

double peak(const Timeline& timeline) {
  double most = 0;
  for (const RankTimeline& rank : timeline.ranks) {
    most = std::max(most, rank.peak_microbatches);
  }
  return most;
}

// F, I and W take one unit, B takes two, messages take no time.
struct Row {
  std::string_view name;
  int ranks;
  int stages_per_rank;
  int microbatches;
  double bubble_percent;
  double peak_microbatches;  // 0: not stated
};

class Bubbles : public testing::TestWithParam<Row> {};

TEST_P(Bubbles, AreThoseOfTheTable) {
  const Row& row = GetParam();
  const Timeline timeline = unit_run(
      row.name, {row.ranks, row.ranks * row.stages_per_rank, row.microbatches});
  EXPECT_NEAR(100 * timeline.bubble, row.bubble_percent, 0.051);
  if (row.peak_microbatches > 0) {
    EXPECT_DOUBLE_EQ(peak(timeline), row.peak_microbatches);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    Bubbles,
    testing::Values(
        Row{"GPipe", 4, 1, 8, 27.3, 8},
        Row{"1F1B", 4, 1, 8, 27.3, 4},
        Row{"LoopedBFS", 4, 2, 8, 15.8, 8},
        Row{"Interleaved1F1B", 4, 2, 8, 15.8, 5.5},
        Row{"Interleaved1F1B", 4, 4, 8, 8.6, 4.75},
        Row{"InterleavedZeroBubble", 4, 2, 8, 5.9, 4},
        Row{"ZBVZeroBubble", 4, 2, 8, 5.9, 4},
        Row{"DualPipeV", 4, 2, 8, 11.1, 4.5},
        Row{"GPipe", 8, 1, 16, 30.4, 0},
        Row{"1F1B", 8, 1, 16, 30.4, 0},
        Row{"LoopedBFS", 8, 2, 16, 17.9, 0},
        Row{"Interleaved1F1B", 8, 2, 16, 17.9, 0},
        Row{"Interleaved1F1B", 8, 4, 16, 9.9, 0},
        Row{"InterleavedZeroBubble", 8, 2, 16, 6.8, 0},
        Row{"ZBVZeroBubble", 8, 2, 16, 6.8, 0},
        Row{"DualPipeV", 8, 2, 16, 12.7, 0},
        Row{"GPipe", 8, 1, 8, 46.7, 0},
        Row{"1F1B", 8, 1, 8, 46.7, 0},
        Row{"LoopedBFS", 8, 2, 8, 30.4, 0},
        Row{"Interleaved1F1B", 8, 2, 8, 30.4, 0},
        Row{"Interleaved1F1B", 8, 4, 8, 17.9, 0},
        Row{"InterleavedZeroBubble", 8, 2, 8, 12.7, 0},
        Row{"ZBVZeroBubble", 8, 2, 8, 22.6, 0}));

TEST(OneFOneB, BubbleIsTheClosedForm) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int mb = 1; mb <= 20; ++mb) {
      const double expected = static_cast<double>(ranks - 1) / (mb + ranks - 1);
      EXPECT_NEAR(unit_run("1F1B", {ranks, ranks, mb}).bubble, expected, 1e-12);
    }
  }
}

TEST(OneFOneB, KeepsAtMostNumRanksMinusRankActivationsAlive) {
  const Timeline timeline = unit_run("1F1B", {6, 6, 20});
  for (int rank = 0; rank < 6; ++rank) {
    EXPECT_EQ(timeline.ranks[rank].peak_live, 6 - rank);
  }
}

TEST(VHalf, KeepsHalfOfTheRanksAndOneAlive) {
  for (int ranks = 1; ranks <= 24; ++ranks) {
    const Timeline timeline = unit_run("VHalf", {ranks, 2 * ranks, 4 * ranks});
    EXPECT_LE(peak(timeline), ranks / 2.0 + 1) << ranks;
    EXPECT_LE(
        timeline.bubble, unit_run("1F1B", {ranks, ranks, 4 * ranks}).bubble);
  }
}

TEST(VMin, KeepsAThirdOfTheRanksAndAboutOneAlive) {
  for (int ranks = 1; ranks <= 24; ++ranks) {
    const Timeline timeline = unit_run("VMin", {ranks, 2 * ranks, 4 * ranks});
    EXPECT_LE(peak(timeline), ranks / 3.0 + 4.0 / 3) << ranks;
    EXPECT_LE(
        timeline.bubble, unit_run("1F1B", {ranks, ranks, 4 * ranks}).bubble);
  }
}

TEST(ParseCosts, KeepsDefaultsOfAbsentKeys) {
  const CostTable costs = parse_costs("F=2,W=0.5,comm=0.25,overlap=1");
  EXPECT_DOUBLE_EQ(costs.stages[0].forward, 2);
  EXPECT_DOUBLE_EQ(costs.stages[0].input, 1);
  EXPECT_DOUBLE_EQ(costs.stages[0].weight, 0.5);
  EXPECT_DOUBLE_EQ(costs.stages[0].backward, 1.5);
  EXPECT_DOUBLE_EQ(costs.latency, 0.25);
  EXPECT_DOUBLE_EQ(costs.overlap, 1);
  EXPECT_DOUBLE_EQ(parse_costs("B=3,I=9").stages[0].backward, 3);
}

TEST(ParseCosts, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    return message_of(ErrorKind::Usage, [&] { parse_costs(text); });
  };
  EXPECT_EQ(
      message("F=1,G=2"),
      "cost 'G=2': unknown key 'G'; known: F, I, W, B, comm, overlap");
  EXPECT_EQ(message("F=x"), "cost 'F=x': 'x' is not a number from 0 to 1e12");
  EXPECT_EQ(
      message("W=-1"), "cost 'W=-1': '-1' is not a number from 0 to 1e12");
  EXPECT_EQ(
      message("F"), "cost 'F' is not KEY=NUMBER, as in F=1,I=1,W=1,comm=0");
  EXPECT_EQ(
      message("overlap=2"), "cost 'overlap=2': overlap must be at most 1");
}

TEST(Simulate, MessagesTakeLatencyAndShareTheirLink) {
  CostTable costs;
  costs.stages[0].output_bytes = 6;
  costs.latency = 0.5;
  costs.bytes_per_time = 2;  // so three units a message
  const Schedule schedule =
      forward_only(find_schedule("GPipe").generate({2, 2, 2}));
  const Timeline timeline = simulate(schedule, costs);
  ASSERT_EQ(timeline.transfers.size(), 2U);
  EXPECT_DOUBLE_EQ(timeline.transfers[0].begin, 1);
  EXPECT_DOUBLE_EQ(timeline.transfers[0].end, 4.5);
  // made at 2, but the link is free from 4
  EXPECT_DOUBLE_EQ(timeline.transfers[1].begin, 4);
  EXPECT_DOUBLE_EQ(timeline.transfers[1].end, 7.5);
  EXPECT_DOUBLE_EQ(timeline.makespan, 8.5);
}

TEST(Simulate, EachStageHasItsOwnCost) {
  CostTable costs;
  costs.stages = {{.forward = 1, .backward = 2}, {.forward = 5, .backward = 7}};
  const Timeline timeline =
      simulate(find_schedule("1F1B").generate({2, 2, 1}), costs);
  EXPECT_DOUBLE_EQ(timeline.makespan, 1 + 5 + 7 + 2);
  ASSERT_EQ(timeline.critical_path.size(), 4U);
  EXPECT_EQ(to_string(timeline.critical_path[1].timed.action), "1F0");
  EXPECT_EQ(timeline.critical_path[1].rank, 1);
  EXPECT_DOUBLE_EQ(timeline.ranks[0].bubble, 1 - 3.0 / 15);
}

TEST(Simulate, TheCriticalPathHasNoGapsWhereMessagesAreFree) {
  const Timeline timeline = unit_run("ZBVZeroBubble", {4, 8, 9});
  double time = 0;
  for (const CriticalStep& step : timeline.critical_path) {
    EXPECT_DOUBLE_EQ(step.timed.begin, time);
    time = step.timed.end;
  }
  EXPECT_DOUBLE_EQ(time, timeline.makespan);
}

TEST(Simulate, OverlapHidesTheShorterOfAPair) {
  const Schedule schedule = schedule_of(
      "0F0,1F0,0F1,1F1,(0F2;1B0)OVERLAP_F_B,0B0,1F2,1B1,0B1,"
      "1B2,0B2\n");
  CostTable costs;
  EXPECT_DOUBLE_EQ(simulate(schedule, costs).makespan, 18);
  costs.overlap = 0.5;
  EXPECT_DOUBLE_EQ(simulate(schedule, costs).makespan, 17.5);
  costs.overlap = 1;
  EXPECT_DOUBLE_EQ(simulate(schedule, costs).makespan, 17);
  EXPECT_DOUBLE_EQ(simulate(schedule, costs).bubble, 0);
}

TEST(Simulate, PeakBytesFallAfterInputAndWeightGradients) {
  CostTable costs;
  costs.stages[0].activation_bytes = 100;
  costs.stages[0].weight_bytes = 30;
  const auto peak_bytes = [&](std::string_view text) {
    return simulate(schedule_of(text), costs).ranks[0].peak_bytes;
  };
  EXPECT_EQ(peak_bytes("0F0,0I0,0W0,0F1,0I1,0W1\n"), 100);
  EXPECT_EQ(peak_bytes("0F0,0I0,0F1,0I1,0W0,0W1\n"), 130);
  EXPECT_EQ(peak_bytes("0F0,0F1,0B0,0B1\n"), 200);
  EXPECT_EQ(peak_bytes("0F0,0F1,0F2\n"), 100);
}

TEST(Simulate, RefusesWhatNeverEnds) {
  const Schedule schedule = schedule_of("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n");
  EXPECT_EQ(
      message_of(ErrorKind::Usage, [&] { simulate(schedule, {}); }),
      "the schedule deadlocks: rank 0 is stuck at 0B0 and waits for 1B0 of "
      "rank 1; rank 1 is stuck at 1F1 and waits for 0F1 of rank 0");
}

TEST(Simulate, RefusesACostTableOfTheWrongSize) {
  CostTable costs;
  costs.stages.resize(3);
  EXPECT_EQ(
      message_of(
          ErrorKind::Usage,
          [&] {
            simulate(find_schedule("GPipe").generate({2, 2, 2}), costs);
          }),
      "the cost table has 3 rows for 2 stages; it needs one row for all stages "
      "or one row per stage");
}

}  // namespace
}  // namespace pp
