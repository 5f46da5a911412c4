#include "loader/core/checked_math.h"

#include <limits>

#include <gtest/gtest.h>

namespace pp {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(CheckedMath, RoundsAsPython) {
  EXPECT_EQ(try_floor_divide(-7, 2), -4);
  EXPECT_EQ(try_floor_divide(7, -2), -4);
  EXPECT_EQ(try_floor_divide(-6, 2), -3);
  EXPECT_EQ(try_modulo(-7, 2), 1);
  EXPECT_EQ(try_modulo(7, -2), -1);
  EXPECT_EQ(try_modulo(6, -2), 0);
}

TEST(CheckedMath, ReturnsNothingBeyond64Bits) {
  EXPECT_EQ(try_add(kMax, 1), std::nullopt);
  EXPECT_EQ(try_subtract(kMin, 1), std::nullopt);
  EXPECT_EQ(try_multiply(kMax, 2), std::nullopt);
  EXPECT_EQ(try_power(3, 41), std::nullopt);
  EXPECT_EQ(try_power(2, kMax), std::nullopt);
}

TEST(CheckedMath, DividesTheSmallestNumberByMinusOne) {
  EXPECT_EQ(try_floor_divide(kMin, -1), std::nullopt);
  EXPECT_EQ(try_modulo(kMin, -1), 0);
}

TEST(CheckedMath, ReturnsNothingForADivisorOfZero) {
  EXPECT_EQ(try_floor_divide(1, 0), std::nullopt);
  EXPECT_EQ(try_modulo(1, 0), std::nullopt);
}

TEST(CheckedMath, TakesPowers) {
  EXPECT_EQ(try_power(2, 62), int64_t{1} << 62);
  EXPECT_EQ(try_power(0, 0), 1);
  EXPECT_EQ(try_power(1, kMax), 1);
  EXPECT_EQ(try_power(-1, kMax), -1);
}

}  // namespace
}  // namespace pp
