#include "loader/ir/expression.h"

#include <map>

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp::ir {
namespace {

const std::map<std::string, int64_t, std::less<>> kLeaves = {
    {"s0", 7},
    {"s1", 4},
    {"L['x'].size()[1]", 9},
    {"L['d']['a'].size()[0]", 3},
    {"L['l'][0].stride()[0]", 12},
};

std::optional<int64_t> look_up(std::string_view leaf) {
  const auto found = kLeaves.find(leaf);
  return found == kLeaves.end() ? std::nullopt : std::optional(found->second);
}

int64_t value(std::string_view text) {
  return Expression::parse(text).value(look_up).value();
}

bool holds(std::string_view text) {
  return Expression::parse(text).holds(look_up).value();
}

std::string error_of(std::string_view text) {
  try {
    Expression::parse(text).value(look_up);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The right values are Python's.
TEST(Expression, ComputesWhatPythonComputes) {
  EXPECT_EQ(value("2*s0 + s1 - 3"), 15);
  EXPECT_EQ(value("2*(s0 + s1)"), 22);
  EXPECT_EQ(value("s0 - s1 - 1"), 2);
  EXPECT_EQ(value("s0 // 2"), 3);
  EXPECT_EQ(value("-s0 // 2"), -4);
  EXPECT_EQ(value("-s0 % 4"), 1);
  EXPECT_EQ(value("s0 % -4"), -1);
  EXPECT_EQ(value("-s1**2"), -16);
  EXPECT_EQ(value("2**-1 * 8"), 4);
  EXPECT_EQ(value("2**3**2"), 512);
  EXPECT_EQ(value("s0 / 2 * 2"), 7);
  EXPECT_EQ(value("Max(1, s0 - 2, s1)"), 5);
  EXPECT_EQ(value("Min(s0, s1)"), 4);
  EXPECT_EQ(value("FloorDiv(s0, 2) + Mod(s0, 4)"), 6);
  EXPECT_EQ(value("math.ceil(s0 / 2)"), 4);
  EXPECT_EQ(value("TruncToInt(FloatTrueDiv(-s0, 2.0))"), -3);
  EXPECT_EQ(value("Where(s0 > s1, 10, 20)"), 10);
  EXPECT_EQ(value("math.ceil(s0 * 1e-05) + 1e+2 + 1e1"), 111);
}

TEST(Expression, ComparesSizesOfInputs) {
  EXPECT_FALSE(holds("(L['x'].size()[1] % 2) == 0"));
  EXPECT_TRUE(holds("L['x'].size()[1] == 3*L['d']['a'].size()[0]"));
  EXPECT_TRUE(holds("L['l'][0].stride()[0] >= 12"));
  EXPECT_TRUE(holds("2 <= s1 <= 4"));
  EXPECT_FALSE(holds("2 <= s0 <= 4"));
  EXPECT_TRUE(holds("s0 != 8 and not s1 == 5"));
  EXPECT_TRUE(holds("s0 < s1 or s1 < s0"));
  EXPECT_TRUE(holds("Ne(s0, s1) & (s0 > 1)"));
}

TEST(Expression, BitwiseOperatorsBindTighterThanComparisons) {
  EXPECT_EQ(value("6 & 3 | 8"), 10);
  EXPECT_EQ(value("6 ^ 3 & 1"), 7);
  EXPECT_EQ(value("1 << 2 + 1"), 8);
  EXPECT_EQ(value("-7 >> 1"), -4);
  EXPECT_TRUE(holds("(6 | 1) != 1"));
  EXPECT_TRUE(holds("6 | 1 == 7"));   // (6 | 1) == 7
  EXPECT_FALSE(holds("6 & 1 == 1"));  // (6 & 1) == 1
  EXPECT_EQ(value("torch.sym_max(1, torch.sym_min(9, 4))"), 4);
  EXPECT_EQ(value("round(5 / 2)"), 2);
  EXPECT_EQ(Expression::parse("s9 & 0").value(look_up), 0);
}

TEST(Expression, IsUnknownWhereALeafIs) {
  EXPECT_FALSE(Expression::parse("s0 + s9").value(look_up));
  EXPECT_FALSE(Expression::parse("s9 > 1 and s0 > 1").holds(look_up));
  EXPECT_EQ(Expression::parse("s9 > 1 and s0 > 99").holds(look_up), false);
  EXPECT_EQ(Expression::parse("s9 > 1 or s0 > 1").holds(look_up), true);
}

TEST(Expression, ListsItsLeavesOnce) {
  const std::vector<std::string> leaves = {"s1", "L['d']['a'].size()[0]", "s0"};
  EXPECT_EQ(
      Expression::parse("s1 * L['d']['a'].size()[0] > s0 + s1").leaves(),
      leaves);
}

TEST(Expression, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of("f(s0)"), "'f(s0)': unknown function 'f'");
  EXPECT_EQ(
      error_of("Mod(s0)"), "'Mod(s0)': wrong number of arguments for 'Mod'");
  EXPECT_EQ(error_of("s0 +"), "'s0 +': unexpected end");
  EXPECT_EQ(error_of("(s0"), "'(s0': expected ')'");
  EXPECT_EQ(error_of("s0 s1"), "'s0 s1': unexpected 's'");
  EXPECT_EQ(error_of("s0 $ 2"), "'s0 $ 2': unexpected '$'");
  EXPECT_EQ(
      error_of("s0 & 1.5"),
      "'s0 & 1.5': a bitwise operation needs whole numbers");
  EXPECT_EQ(error_of("L['x"), "'L['x': a '[' isn't closed");
  EXPECT_EQ(error_of("1.2.3"), "'1.2.3': '1.2.3' is not a number");
}

TEST(Expression, RefusesNumbersThatDoNotFit) {
  EXPECT_EQ(error_of("s0 // 0"), "'s0 // 0': division by zero");
  EXPECT_EQ(error_of("s0 % 0"), "'s0 % 0': division by zero");
  EXPECT_EQ(error_of("s0 / 2"), "'s0 / 2' does not give a whole number");
  EXPECT_EQ(
      error_of("9223372036854775807 + 1"),
      "'9223372036854775807 + 1': a number does not fit in 64 bits");
  EXPECT_EQ(error_of("s0**100"), "'s0**100': a number does not fit in 64 bits");
  EXPECT_EQ(error_of("2.0**64"), "'2.0**64': a number does not fit in 64 bits");
  EXPECT_EQ(
      error_of("(-9223372036854775807 - 1) // -1"),
      "'(-9223372036854775807 - 1) // -1': a number does not fit in 64 bits");
}

TEST(Expression, RefusesNestingWithoutOverflowingTheStack) {
  const std::string deep(8000, '(');
  EXPECT_NE(error_of(deep).find("nested too deeply"), std::string::npos);
  const std::string minus(8000, '-');
  EXPECT_NE(error_of(minus).find("nested too deeply"), std::string::npos);
  std::string sum = "1";
  while (sum.size() < 8000) {
    sum += "+1";
  }
  EXPECT_EQ(value(sum), 4001);
  EXPECT_NE(
      error_of(sum + sum).find("16002 characters is too long"),
      std::string::npos);
}

}  // namespace
}  // namespace pp::ir
