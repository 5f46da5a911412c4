#include "loader/ir/walk.h"

#include <gtest/gtest.h>

#include "loader/ir/text.h"

namespace pp::ir {
namespace {

TEST(Walk, FqnsAreUnderTheirPrefix) {
  EXPECT_TRUE(is_under("h.1", "h.1"));
  EXPECT_TRUE(is_under("h.1.attn", "h.1"));
  EXPECT_FALSE(is_under("h.10", "h.1"));
  EXPECT_FALSE(is_under("h", "h.1"));
  EXPECT_TRUE(is_under("h", ""));
}

TEST(Walk, ReadsAndDefines) {
  const Graph graph = parse_text(
      "input %x: float32[2]\n"
      "input %n: int\n"
      "[%a: float32[1], _], %b: float32[1] = "
      "demo.f.default(%x, ints[1, %n], tensors[%x, %x])\n");
  const Node& node = graph.nodes.at(0);
  EXPECT_EQ(reads_of(node), (std::vector<ValueId>{0, 1, 0, 0}));
  EXPECT_EQ(defines_of(node), (std::vector<ValueId>{2, 3}));
}

TEST(Walk, RefsCanBeRewritten) {
  Graph graph = parse_text("input %x: int\nf(lists[ints[%x], ints[3]])");
  for_each_ref(graph.nodes.at(0).inputs.at(0).arg, [](ValueId& id) { id = 7; });
  EXPECT_EQ(reads_of(graph.nodes.at(0)), (std::vector<ValueId>{7}));
}

TEST(Walk, ModuleOfTheInnermostFrame) {
  const Graph graph = parse_text("f(1) @ a / a.b\nf(2)\nf(3) @ /");
  EXPECT_EQ(module_of(graph.nodes.at(0)), "a.b");
  EXPECT_EQ(module_of(graph.nodes.at(1)), "");
  EXPECT_EQ(module_of(graph.nodes.at(2)), "");
}

TEST(Walk, FindsValuesAndStates) {
  const Graph graph =
      parse_text("parameter w = %p: float32[2] alias(head.w, tail.w)");
  EXPECT_EQ(try_find_value(graph, "p"), 0);
  EXPECT_EQ(try_find_value(graph, "q"), kNoValue);
  EXPECT_EQ(try_find_state(graph, "tail.w"), 0);
  EXPECT_EQ(try_find_state(graph, "p"), -1);
}

}  // namespace
}  // namespace pp::ir
