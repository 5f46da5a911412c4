#include "runtime/job/duration.h"

#include <gtest/gtest.h>

namespace pp {
namespace {

constexpr double kHour = 3600;

/// Seconds; -1 if the text is no duration.
double seconds(std::string_view text) {
  const auto parsed = try_parse_duration(text);
  return parsed ? static_cast<double>(parsed->count()) / 1000 : -1;
}

TEST(Duration, IsASumOfDaysHoursMinutesAndSeconds) {
  EXPECT_EQ(seconds("90s"), 90);
  EXPECT_EQ(seconds("2h30m"), 2.5 * kHour);
  EXPECT_EQ(seconds("1.5h"), 1.5 * kHour);
  EXPECT_EQ(seconds("1d12h"), 36 * kHour);
  EXPECT_EQ(seconds("1d2h3m4.5s"), 26 * kHour + 184.5);
  EXPECT_EQ(seconds("1d1s"), 24 * kHour + 1);
  EXPECT_EQ(seconds("90m"), 1.5 * kHour);
}

TEST(Duration, EverythingElseIsNone) {
  for (const char* text :
       {"",
        "2",
        "h",
        "2x",
        "2h30",
        "30m2h",
        "2h 30m",
        "-1h",
        "1h1h",
        "0s",
        "nans",
        "infd",
        "1e9d",
        "2h-30m",
        "+1h",
        " 1h",
        "1h ",
        "20000d"}) {
    EXPECT_EQ(seconds(text), -1) << text;
  }
}

}  // namespace
}  // namespace pp
