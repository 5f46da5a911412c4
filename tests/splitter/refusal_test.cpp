#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "splitter/cut/input_writes.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::split_error;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The layer in the branch has no node outside of it, and torch leaves no module
// names inside.
constexpr const char* kBranch = R"(
module first type(Linear)
module last type(Relu)
input %x: float32[4, 8]
parameter first.w = %w: float32[8, 8] grad
parameter left.0.w = %l: float32[8, 8] grad
%h: float32[4, 8] grad = aten.linear.default(input=%x, weight=%w) @ first
%p: bool[] = aten.is_nonzero.default(self=%h) @ /
%r: float32[4, 8] grad = higher_order.cond(%p, graph "yes" {
  input %a: float32[4, 8]
  input %b: float32[8, 8]
  %s: float32[4, 8] = aten.linear.default(input=%a, weight=%b) @ /
  output result = %s
}, graph "no" {
  input %a: float32[4, 8]
  input %b: float32[8, 8]
  output result = %a
}, tensors[%h, %l]) @ / !name(cond)
%y: float32[4, 8] grad = aten.relu.default(self=%r) @ last
output y = %y
)";

TEST(Refusal, AModuleInsideABranchIsNamedWithTheBranch) {
  for (const char* at : {"left", "left.0"}) {
    EXPECT_EQ(
        split_error(kBranch, {at}),
        "split point '" + std::string(at) +
            "': this module runs inside 'cond' (higher_order.cond), but a "
            "branch or loop must run in one stage; cut before or after it");
  }
  EXPECT_THAT(split_error(kBranch, {"last"}), IsEmpty());
}

/// The reason to refuse a model of two modules, given the nodes of the first.
/// Empty if the model is accepted.
std::string refusal_of(const std::string& nodes) {
  const std::string text =
      "module a type(A)\nmodule b type(B)\n"
      "input x = %x: float32[4, 8]\n" +
      nodes +
      "%z: float32[4, 8] = aten.sin.default(self=%y) @ b\n"
      "output z = %z\n";
  try {
    refuse_input_writes(ir::parse_text(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "";
}

TEST(Refusal, AModelThatWritesToAnInputOrAViewOfIt) {
  EXPECT_EQ(
      refusal_of("%y: float32[4, 8] = aten.mul_.Tensor(self=%x, other=2.0) @ a "
                 "!writes(%x) !aliases(%y = %x) !name(mul_)\n"),
      "the model mutates its input 'x' (node 'mul_' calls 'aten.mul_.Tensor' "
      "in a), which is not supported; clone it in forward");
  EXPECT_THAT(
      refusal_of("%v: float32[32] = aten.view.default(self=%x, size=ints[32]) "
                 "@ a !aliases(%v = %x)\n"
                 "%y: float32[32] = aten.relu_.default(self=%v) @ a "
                 "!writes(%v) !aliases(%y = %v)\n"),
      HasSubstr("mutates its input 'x'"));
}

TEST(Refusal, ACopyOfAnInputMayBeWritten) {
  EXPECT_THAT(
      refusal_of("%c: float32[4, 8] = aten.clone.default(self=%x) @ a\n"
                 "%y: float32[4, 8] = aten.relu_.default(self=%c) @ a "
                 "!writes(%c) !aliases(%y = %c)\n"),
      IsEmpty());
}

}  // namespace
}  // namespace pp
