#include "runtime/data/size_rules.h"

#include <gtest/gtest.h>

#include "tests/archive/expect_error.h"
#include "tests/data/data_files.h"

namespace pp {
namespace {

using test::input;

constexpr auto kFloat = ir::ScalarType::Float;
const std::string kWhere = "microbatches of 4 rows";

void refuse(
    const SizeRules& rules, const InputSizes& sizes, const std::string& why) {
  test::expect_error(ErrorKind::Input, kWhere + ": " + why, [&] {
    rules.check(sizes, kWhere);
  });
}

TEST(SizeRules, AGuardThatFailsIsNamedWithTheSizes) {
  const std::vector<std::string> guards = {"(L['x'].size()[1] % 2) == 0"};
  const SizeRules rules({input("x", kFloat, {"s0", "s1", "6"})}, guards);
  rules.check({{"x", {4, 8, 6}}}, kWhere);
  refuse(
      rules,
      {{"x", {4, 9, 6}}},
      "the model was exported under the condition (x.size()[1] % 2) == 0, but "
      "x has shape [4, 9, 6]");
}

TEST(SizeRules, AGuardMayComparePropertiesOfSeveralInputs) {
  const std::vector<std::string> guards = {
      "L['a.b'].size()[0]*L['y'].size()[1] < 20",
      "L['y'].stride()[0] >= 3 and L['y'].storage_offset() == 0"};
  const SizeRules rules(
      {input("a.b", kFloat, {"s0"}), input("y", kFloat, {"s1", "s2"})}, guards);
  rules.check({{"a.b", {6}}, {"y", {2, 3}}}, kWhere);
  refuse(
      rules,
      {{"a.b", {7}}, {"y", {2, 3}}},
      "the model was exported under the condition "
      "a.b.size()[0]*y.size()[1] < 20, but a.b has shape [7] and y has shape "
      "[2, 3]");
  refuse(
      rules,
      {{"a.b", {6}}, {"y", {5, 2}}},
      "the model was exported under the condition y.stride()[0] >= 3 and "
      "y.storage_offset() == 0, but y has shape [5, 2]");
  rules.check({{"y", {2, 30}}}, kWhere);  // the other one isn't known
}

TEST(SizeRules, AGuardMayFailWhileAnotherInputIsUnknown) {
  const std::vector<std::string> guards = {
      "L['x'].size()[0] < 5 and L['y'].size()[0] < 5"};
  const SizeRules rules(
      {input("x", kFloat, {"s0"}), input("y", kFloat, {"s1"})}, guards);
  refuse(
      rules,
      {{"y", {6}}},
      "the model was exported under the condition x.size()[0] < 5 and "
      "y.size()[0] < 5, but y has shape [6]");
}

TEST(SizeRules, ASymbolIsOneSizeInAllInputs) {
  const SizeRules rules(
      {input("x", kFloat, {"s0", "s1"}), input("y", kFloat, {"s1"})}, {});
  rules.check({{"x", {4, 8}}, {"y", {8}}}, kWhere);
  refuse(
      rules,
      {{"x", {4, 8}}, {"y", {9}}},
      "size s1 of the model is 8 in one place and 9 in another: x has shape "
      "[4, 8], y has shape [9]");
}

TEST(SizeRules, ASizeThatFollowsFromSymbolsIsChecked) {
  const SizeRules rules(
      {input("x", kFloat, {"s0", "s1"}), input("y", kFloat, {"2*s1 + 1"})}, {});
  rules.check({{"x", {4, 8}}, {"y", {17}}}, kWhere);
  refuse(
      rules,
      {{"x", {4, 8}}, {"y", {16}}},
      "dimension 0 of y must be 2*s1 + 1 = 17, but is 16");
}

TEST(SizeRules, ASizeGivesItsSymbolIfNoOtherSizeDoes) {
  InputSpec x = input("x", kFloat, {"2*s1", "3*s1"});
  x.ranges = {{"2*s1", {4, 128}}, {"s1", {2, 64}}};
  const SizeRules rules({x}, {});
  rules.check({{"x", {128, 192}}}, kWhere);
  refuse(
      rules,
      {{"x", {200, 300}}},
      "dimension 0 of x is 200, but the model was exported for at most 128");
  refuse(rules, {{"x", {7, 9}}}, "dimension 0 of x must be 2*s1, but is 7");
  refuse(
      rules, {{"x", {8, 9}}}, "dimension 1 of x must be 3*s1 = 12, but is 9");
}

TEST(SizeRules, AGuardOnWhatIsNoInputIsRefused) {
  const std::vector<std::string> guards = {"L['kwargs']['k'].size()[0] == 3"};
  test::expect_error(
      ErrorKind::Input,
      "the model was exported under the condition kwargs['k'].size()[0] == 3, "
      "which can't be checked: 'L['kwargs']['k'].size()[0]' isn't a size of an "
      "input; export it without that condition",
      [&] { const SizeRules rules({input("k", kFloat, {"s0"})}, guards); });
}

// Python doesn't enforce the lower bound 2 that every free size has.
TEST(SizeRules, BoundsHoldExceptTheLowerBoundOfTwo) {
  InputSpec x = input("x", kFloat, {"s0", "s1"});
  x.ranges = {{"s0", {2, 16}}, {"s1", {4, {}}}};
  const SizeRules rules({x}, {});
  rules.check({{"x", {16, 4}}}, kWhere);
  rules.check({{"x", {1, 4}}}, kWhere);
  refuse(
      rules,
      {{"x", {17, 4}}},
      "dimension 0 of x is 17, but the model was exported for at most 16");
  refuse(
      rules,
      {{"x", {4, 3}}},
      "dimension 1 of x is 3, but the model was exported for at least 4");
}

TEST(SizeRules, AGuardThatIsNotAboutSizesIsRefusedByName) {
  const std::vector<std::string> number = {"L['n'] == 3"};
  test::expect_error(
      ErrorKind::Input,
      "the model was exported under the condition n == 3, which can't be "
      "checked: 'L['n']' isn't a size of an input; export it without that "
      "condition",
      [&] { const SizeRules rules({}, number); });
  const std::vector<std::string> function = {"f(L['x'].size()[0]) == 3"};
  test::expect_error(
      ErrorKind::Input,
      "'f(L['x'].size()[0]) == 3': unknown function 'f'",
      [&] { const SizeRules rules({}, function); });
}

TEST(SizeRules, ASizeThatCannotBeReadIsNamedBeforeAnythingIsChecked) {
  test::expect_error(
      ErrorKind::Input,
      "dimension 1 of input 'y' has a size that can't be read: 'f(s0)': "
      "unknown function 'f'; export the model with that dimension fixed or "
      "free",
      [] {
        const SizeRules rules({input("y", kFloat, {"s0", "f(s0)"})}, {});
      });
}

}  // namespace
}  // namespace pp
