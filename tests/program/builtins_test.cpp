#include "runtime/program/builtins.h"

#include <limits>

#include <gtest/gtest.h>

namespace pp {
namespace {

c10::IValue call(std::string_view target, std::vector<c10::IValue> arguments) {
  const BuiltinFunction function = builtin_function(target);
  EXPECT_NE(function, nullptr) << target;
  torch::jit::Stack stack(std::move(arguments));
  function(stack);
  EXPECT_EQ(stack.size(), 1);
  return stack.back();
}

TEST(Builtins, FloorDivisionAndModuloRoundDownAsPythonDoes) {
  EXPECT_EQ(call("_operator.floordiv", {7, 2}).toInt(), 3);
  EXPECT_EQ(call("_operator.floordiv", {-7, 2}).toInt(), -4);
  EXPECT_EQ(call("_operator.mod", {-7, 3}).toInt(), 2);
  EXPECT_EQ(call("_operator.mod", {7, -3}).toInt(), -2);
}

TEST(Builtins, MixedOperandsGiveFloats) {
  EXPECT_EQ(call("_operator.mul", {3, 0.5}).toDouble(), 1.5);
  EXPECT_EQ(call("_operator.truediv", {7, 2}).toDouble(), 3.5);
  EXPECT_EQ(call("_operator.pow", {2, 10}).toInt(), 1024);
  EXPECT_EQ(call("_operator.pow", {2, -1}).toDouble(), 0.5);
}

TEST(Builtins, RoundingGivesIntegers) {
  EXPECT_EQ(call("math.ceil", {1.2}).toInt(), 2);
  EXPECT_EQ(call("math.floor", {-1.2}).toInt(), -2);
  EXPECT_EQ(call("math.trunc", {-1.8}).toInt(), -1);
  EXPECT_EQ(call("round", {2.5}).toInt(), 2);  // half to even
}

TEST(Builtins, ComparisonsAndChoices) {
  EXPECT_TRUE(call("_operator.lt", {2, 3}).toBool());
  EXPECT_EQ(call("torch.sym_max", {2, 3}).toInt(), 3);
  EXPECT_EQ(call("torch.sym_ite", {true, 4, 5}).toInt(), 4);
  EXPECT_FALSE(call("torch.sym_not", {true}).toBool());
}

TEST(Builtins, DivisionOfASizeByZeroIsAnError) {
  EXPECT_ANY_THROW(call("_operator.floordiv", {1, 0}));
  // The processor traps on this division.
  const int64_t smallest = std::numeric_limits<int64_t>::min();
  EXPECT_ANY_THROW(call("_operator.floordiv", {smallest, -1}));
  EXPECT_ANY_THROW(call("_operator.neg", {smallest}));
  EXPECT_ANY_THROW(call("_operator.lshift", {1, 64}));
  EXPECT_ANY_THROW(call("_operator.mul", {int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_ANY_THROW(call("torch.sym_int", {1e300}));
}

TEST(Builtins, ShiftsAndSigns) {
  EXPECT_EQ(call("_operator.lshift", {3, 4}).toInt(), 48);
  EXPECT_EQ(call("_operator.rshift", {-7, 1}).toInt(), -4);
  EXPECT_EQ(call("_operator.pos", {5}).toInt(), 5);
}

TEST(Builtins, UnknownTargetsAreNotFound) {
  EXPECT_EQ(builtin_function("_operator.getitem"), nullptr);
}

}  // namespace
}  // namespace pp
