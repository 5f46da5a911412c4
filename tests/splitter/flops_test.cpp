#include "splitter/cut/flops.h"

#include <gtest/gtest.h>

#include "loader/ir/text.h"

namespace pp {
namespace {

uint64_t flops_of(const std::string& text) {
  const ir::Graph graph = ir::parse_text(text);
  return flops(graph, graph.nodes.front());
}

TEST(Flops, CountAMultiplyAddAsTwo) {
  EXPECT_EQ(
      flops_of("input %x: float32[s=4, 8]\ninput %w: float32[16, 8]\n"
               "%y: float32[s=4, 16] = aten.linear.default(input=%x, "
               "weight=%w)\noutput y = %y\n"),
      2u * 4 * 16 * 8);
  EXPECT_EQ(
      flops_of("input %b: float32[5]\ninput %x: float32[4, 8]\n"
               "input %w: float32[8, 5]\n"
               "%y: float32[4, 5] = aten.addmm.default(self=%b, mat1=%x, "
               "mat2=%w)\noutput y = %y\n"),
      2u * 4 * 5 * 8);
  EXPECT_EQ(
      flops_of("input %x: float32[3, 4, 8]\ninput %w: float32[3, 8, 5]\n"
               "%y: float32[3, 4, 5] = aten.bmm.default(self=%x, mat2=%w)\n"
               "output y = %y\n"),
      2u * 3 * 4 * 5 * 8);
}

TEST(Flops, OfAConvolutionFollowItsKernelAndGroups) {
  EXPECT_EQ(
      flops_of("input %x: float32[2, 6, 8, 8]\ninput %w: float32[10, 3, 3, 3]\n"
               "%y: float32[2, 10, 8, 8] = aten.conv2d.default(input=%x, "
               "weight=%w)\noutput y = %y\n"),
      2u * (2 * 10 * 8 * 8) * (3 * 3 * 3));
  EXPECT_EQ(
      flops_of("input %x: float32[2, 6, 4, 4]\ninput %w: float32[6, 5, 2, 2]\n"
               "%y: float32[2, 5, 8, 8] = aten.convolution.default(input=%x, "
               "weight=%w, transposed=true)\noutput y = %y\n"),
      2u * (2 * 6 * 4 * 4) * (5 * 2 * 2));
}

TEST(Flops, OfAttentionAreTwoProducts) {
  EXPECT_EQ(
      flops_of("input %q: float32[2, 3, 5, 8]\ninput %k: float32[2, 3, 7, 8]\n"
               "input %v: float32[2, 3, 7, 4]\n"
               "%y: float32[2, 3, 5, 4] = "
               "aten.scaled_dot_product_attention.default(query=%q, key=%k, "
               "value=%v)\noutput y = %y\n"),
      2u * 2 * 3 * 5 * 7 * (8 + 4));
}

TEST(Flops, OfElementwiseOperatorsAreZero) {
  EXPECT_EQ(
      flops_of("input %x: float32[4]\n%y: float32[4] = "
               "aten.relu.default(self=%x)\noutput y = %y\n"),
      0u);
}

}  // namespace
}  // namespace pp
