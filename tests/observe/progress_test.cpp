#include "runtime/observe/progress.h"

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pp {
namespace {

StepReport report(int64_t step, int64_t total = 200) {
  return {
      .step = step,
      .total = total,
      .loss = 2.31,
      .grad_norm = 0.84,
      .lr = 3e-4,
      .step_ms = 100,
      .samples_per_s = 80,
      .tokens_per_s = 12300};
}

constexpr ProgressRates kRates = {
    .samples_per_s = 80, .tokens_per_s = 12300, .seconds_left = 12};

TEST(Format, Durations) {
  EXPECT_EQ(duration_text(0), "0:00");
  EXPECT_EQ(duration_text(12.4), "0:12");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(723), "12:03");
  EXPECT_EQ(duration_text(3723), "1:02:03");
  EXPECT_EQ(duration_text(-1), "-:--");
  EXPECT_EQ(duration_text(std::nan("")), "-:--");
}

TEST(Format, Rates) {
  EXPECT_EQ(rate_text(3.214, "tok/s"), "3.21 tok/s");
  EXPECT_EQ(rate_text(84.53, "tok/s"), "84.5 tok/s");
  EXPECT_EQ(rate_text(845.2, "tok/s"), "845 tok/s");
  EXPECT_EQ(rate_text(999.7, "tok/s"), "1.00k tok/s");
  EXPECT_EQ(rate_text(12345, "tok/s"), "12.3k tok/s");
  EXPECT_EQ(rate_text(3.2e6, "samples/s"), "3.20M samples/s");
}

TEST(Format, Numbers) {
  EXPECT_EQ(number_text(2.31042), "2.3104");
  EXPECT_EQ(number_text(12.3456), "12.346");
  EXPECT_EQ(number_text(1234.56), "1234.6");
  EXPECT_EQ(number_text(0), "0.0000");
  EXPECT_EQ(number_text(1.25e-7), "1.25e-07");
  EXPECT_EQ(number_text(-3e9), "-3.00e+09");
  EXPECT_EQ(number_text(std::nan("")), "nan");
  EXPECT_EQ(number_text(-INFINITY), "-inf");
}

TEST(BarLine, FitsAWideTerminal) {
  EXPECT_EQ(
      bar_line(report(37), kRates, 100),
      "step  37/200 [====>                       ] loss 2.3100 grad 0.8400 "
      "12.3k tok/s 0:12 left");
}

TEST(BarLine, IsEmptyAtTheStartAndFullAtTheEnd) {
  EXPECT_NE(
      bar_line(report(0), kRates, 120).find("[" + std::string(28, ' ') + "]"),
      std::string::npos);
  EXPECT_NE(
      bar_line(report(200), kRates, 120).find("[" + std::string(28, '=') + "]"),
      std::string::npos);
}

TEST(BarLine, DropsTheBarAndThenPartsFromTheRight) {
  EXPECT_EQ(
      bar_line(report(37), kRates, 62),
      "step  37/200 loss 2.3100 grad 0.8400 12.3k tok/s 0:12 left");
  EXPECT_EQ(
      bar_line(report(37), kRates, 42), "step  37/200 loss 2.3100 grad 0.8400");
  EXPECT_EQ(bar_line(report(37), kRates, 13), "step  37/200");
  EXPECT_EQ(bar_line(report(37), kRates, 8), "step  3");
}

TEST(BarLine, NeverReachesTheLastColumn) {
  for (int width = 2; width < 200; ++width) {
    for (const int64_t step : {0, 1, 37, 199, 200}) {
      EXPECT_LT(bar_line(report(step), kRates, width).size(), width);
    }
  }
}

TEST(BarLine, HasOneLengthForTheWholeRun) {
  const size_t length = bar_line(report(1), kRates, 90).size();
  for (int64_t step = 0; step <= 200; ++step) {
    EXPECT_EQ(bar_line(report(step), kRates, 90).size(), length) << step;
  }
}

TEST(BarLine, CountsSamplesWithoutTokens) {
  const ProgressRates rates = {.samples_per_s = 80, .seconds_left = 1};
  EXPECT_NE(
      bar_line(report(1), rates, 120).find(" 80.0 samples/s "),
      std::string::npos);
}

TEST(PlainLine, ShowsEverything) {
  EXPECT_EQ(
      plain_line(report(37), kRates),
      "step  37/200  loss 2.3100  grad 0.8400  lr 0.0003  100 ms/step  "
      "12.3k tok/s  0:12 left");
}

TEST(EvalLine, NamesTheStep) {
  EXPECT_EQ(
      eval_line({.step = 50, .loss = 2.2871, .seconds = 0.83}),
      "eval at step 50: loss 2.2871 (0.8 s)");
}

TEST(EvalLine, HasTheMetricsInTheirOrder) {
  EXPECT_EQ(
      eval_line(
          {50, 2.2871, 0.83, {{"perplexity", 9.8461}, {"accuracy", 0.75}}}),
      "eval at step 50: loss 2.2871, perplexity 9.8461, accuracy 0.7500 (0.8 "
      "s)");
}

TEST(SmoothedRate, IsTheMeanAtFirstAndFollowsLater) {
  SmoothedRate rate(4);
  for (const double value : {1.0, 2.0, 3.0, 6.0}) {
    rate.add(value);
  }
  EXPECT_DOUBLE_EQ(rate.value(), 3);
  rate.add(7);
  EXPECT_DOUBLE_EQ(rate.value(), 4);
  for (int i = 0; i < 100; ++i) {
    rate.add(9);
  }
  EXPECT_NEAR(rate.value(), 9, 1e-9);
}

/// A progress whose clock the test sets and whose writes it records.
struct Screen {
  explicit Screen(bool terminal, int columns = 80)
      : progress(
            {.terminal = terminal, .width = [columns] { return columns; }},
            [this](std::string_view text) { writes.emplace_back(text); },
            [this] { return now; }) {}

  void step(int64_t number, double seconds) {
    now += seconds;
    progress.step(report(number, 10));
  }

  double now = 100;
  std::vector<std::string> writes;
  Progress progress;
};

TEST(TerminalProgress, RedrawsInPlaceInOneWrite) {
  Screen screen(true);
  screen.step(1, 1);
  screen.step(2, 1);
  ASSERT_EQ(screen.writes.size(), 2U);
  EXPECT_TRUE(screen.writes[1].starts_with("\rstep  2/10 ["));
  EXPECT_TRUE(screen.writes[1].ends_with("left\x1b[K"));
  EXPECT_EQ(screen.writes[1].find('\n'), std::string::npos);
}

TEST(TerminalProgress, SkipsRedrawsThatComeTooSoonButNotTheLast) {
  Screen screen(true);
  for (int64_t step = 1; step <= 10; ++step) {
    screen.step(step, 0.03);
  }
  // It draws step 1, 5 (after 0.12 s), 9 (after 0.24 s) and the last.
  ASSERT_EQ(screen.writes.size(), 4U);
  EXPECT_TRUE(screen.writes[1].starts_with("\rstep  5/10"));
  EXPECT_TRUE(screen.writes[3].starts_with("\rstep 10/10"));
  screen.progress.finish();
  EXPECT_EQ(screen.writes.back(), "\n");
}

TEST(TerminalProgress, ShowsALineAboveTheBar) {
  Screen screen(true);
  screen.step(5, 1);
  screen.progress.eval({.step = 5, .loss = 2, .seconds = 1});
  ASSERT_EQ(screen.writes.size(), 3U);
  EXPECT_EQ(screen.writes[1], "\reval at step 5: loss 2.0000 (1.0 s)\x1b[K\n");
  EXPECT_TRUE(screen.writes[2].starts_with("\rstep  5/10"));
}

TEST(TerminalProgress, FinishDrawsWhatWasSkipped) {
  Screen screen(true);
  screen.step(1, 1);
  screen.step(2, 0.01);
  EXPECT_EQ(screen.writes.size(), 1U);
  screen.progress.finish();
  ASSERT_EQ(screen.writes.size(), 3U);
  EXPECT_TRUE(screen.writes[1].starts_with("\rstep  2/10"));
  EXPECT_EQ(screen.writes[2], "\n");
}

TEST(PlainProgress, WritesALineEveryTwoSecondsAndTheFirstAndLast) {
  Screen screen(false);
  for (int64_t step = 1; step <= 10; ++step) {
    screen.step(step, 0.7);
  }
  screen.progress.finish();
  ASSERT_EQ(screen.writes.size(), 4U);
  EXPECT_TRUE(screen.writes[0].starts_with("step  1/10  "));
  EXPECT_TRUE(screen.writes[1].starts_with("step  4/10  "));
  EXPECT_TRUE(screen.writes[2].starts_with("step  7/10  "));
  EXPECT_TRUE(screen.writes[3].starts_with("step 10/10  "));
  for (const std::string& line : screen.writes) {
    EXPECT_TRUE(line.ends_with("\n"));
    EXPECT_EQ(line.find_first_of("\r\x1b"), std::string::npos);
  }
}

TEST(PlainProgress, TellsTheTimeLeftFromTheSmoothedStep) {
  Screen screen(false);
  screen.step(4, 1);  // 100 ms per step, 6 steps are left
  EXPECT_NE(screen.writes[0].find("0:01 left"), std::string::npos);
  EXPECT_NE(screen.writes[0].find("12.3k tok/s"), std::string::npos);
}

}  // namespace
}  // namespace pp
