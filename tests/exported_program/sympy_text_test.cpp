#include "loader/exported_program/sympy_text.h"

#include <gtest/gtest.h>

namespace pp::ep {
namespace {

TEST(SympyText, Arithmetic) {
  EXPECT_EQ(infix_of("Symbol('s0', positive=True, integer=True)"), "s0");
  EXPECT_EQ(infix_of("Mul(Integer(2), Symbol('s0', integer=True))"), "2*s0");
  EXPECT_EQ(
      infix_of("Add(Symbol('s0', integer=True), Integer(-1))"), "s0 + -1");
  EXPECT_EQ(
      infix_of("Mul(Add(Symbol('a'), Integer(1)), Symbol('b'))"), "(a + 1)*b");
  EXPECT_EQ(infix_of("Pow(Symbol('s0'), Integer(2))"), "s0**2");
  EXPECT_EQ(
      infix_of("Pow(Mul(Integer(2), Symbol('a')), Integer(2))"), "(2*a)**2");
  EXPECT_EQ(
      infix_of("FloorDiv(Mul(Symbol('a'), Symbol('b')), Integer(2))"),
      "FloorDiv(a*b, 2)");
}

TEST(SympyText, WhatIsNoConstructorStaysAsItIs) {
  for (const char* text : {"", "s0", "2*s0", "Mul(", "Mul(a b)", ")", "'a"}) {
    EXPECT_EQ(infix_of(text), text);
  }
  const std::string deep = std::string(100000, '(');
  EXPECT_EQ(infix_of("f" + deep), "f" + deep);
}

}  // namespace
}  // namespace pp::ep
