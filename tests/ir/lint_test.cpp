#include "loader/ir/lint.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"

namespace pp::ir {
namespace {

std::string complaint(const Graph& graph) {
  try {
    lint(graph, "demo");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "none";
}

Graph good() {
  return parse_text(
      "input %x: float32[2]\n"
      "buffer b = %b: float32[2]\n"
      "parameter w = %w: float32[2] alias(v)\n"
      "%y: float32[2] = aten.add.Tensor(self=%x, other=%b) !aliases(%y = %x)\n"
      "%z: float32[2] = aten.add_.Tensor(self=%y, other=%w) !writes(%y)\n"
      "output out = %z\n"
      "mutate b = %z\n");
}

TEST(Lint, AcceptsAGoodGraph) {
  EXPECT_EQ(complaint(good()), "none");
}

TEST(Lint, EveryValueHasAName) {
  Graph graph = good();
  graph.values[3].name.clear();
  EXPECT_EQ(complaint(graph), "demo: a value has no name");
}

TEST(Lint, NamesOfValuesAreUnique) {
  Graph graph = good();
  graph.values[3].name = "x";
  EXPECT_EQ(complaint(graph), "demo: two values are called '%x'");
}

TEST(Lint, EveryValueHasOneDefinition) {
  Graph graph = good();
  graph.nodes[1].outputs[0].ids[0] = graph.inputs[0].value;
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'z' (aten.add_.Tensor) defines '%x' a second time");
  graph = good();
  graph.inputs.clear();
  graph.nodes[0].inputs[0].arg.value = None{};
  graph.nodes[0].effects = {};
  EXPECT_EQ(complaint(graph), "demo: nothing defines '%x'");
}

TEST(Lint, IdsAreInRange) {
  Graph graph = good();
  graph.inputs[0].value = 99;
  EXPECT_EQ(
      complaint(graph),
      "demo: input 'x' defines value 99, but the graph has only 5 values");
  graph = good();
  graph.nodes[0].inputs[0].arg.value = Ref{-1};
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'y' (aten.add.Tensor) reads value -1, but the graph has only "
      "5 values");
}

TEST(Lint, ValuesAreDefinedBeforeTheyAreRead) {
  Graph graph = good();
  std::swap(graph.nodes[0], graph.nodes[1]);
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'z' (aten.add_.Tensor) reads '%y' before it is defined");
}

TEST(Lint, NamesOfInputsOutputsAndStatesAreUnique) {
  Graph graph = good();
  graph.outputs.push_back(graph.outputs[0]);
  EXPECT_EQ(complaint(graph), "demo: two outputs are called 'out'");
  graph = good();
  graph.states[0].aliases.emplace_back("v");
  EXPECT_EQ(complaint(graph), "demo: two states are called 'v'");
  graph = good();
  graph.inputs[0].name.clear();
  EXPECT_EQ(complaint(graph), "demo: one input has no name");
}

TEST(Lint, EffectsNameValuesOfTheNode) {
  Graph graph = good();
  graph.nodes[0].effects.writes = {graph.states[1].value};
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'y' (aten.add.Tensor) is marked as writing a value that "
      "it neither reads nor defines");
  graph = good();
  graph.nodes[0].effects.aliases[0].second = graph.states[1].value;
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'y' (aten.add.Tensor) is marked as aliasing a value that "
      "it neither reads nor defines");
}

TEST(Lint, MutationsNameBuffers) {
  Graph graph = good();
  graph.mutations[0].fqn = "w";
  EXPECT_EQ(
      complaint(graph),
      "demo: the graph mutates 'w', which is not one of its buffers");
}

TEST(Lint, TensorsCarrySizesAndStridesOfOneRank) {
  Graph graph = good();
  graph.values[3].tensor->strides.push_back({1, ""});
  EXPECT_EQ(complaint(graph), "demo: tensor '%y' has 1 sizes but 2 strides");
  graph.values[3].tensor.reset();
  EXPECT_EQ(complaint(graph), "demo: tensor '%y' has no sizes");
}

TEST(Lint, AResultThatIsNoListIsOneValue) {
  Graph graph = good();
  graph.nodes[0].outputs[0].ids.push_back(kNoValue);
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'y' (aten.add.Tensor) has an output with 2 values; an output "
      "that is not a list must have one");
}

TEST(Lint, SubGraphsObeyTheSame) {
  const Graph graph = parse_text(
      "input %p: bool[]\n"
      "%r: float32[2] = higher_order.cond(%p, graph \"yes\" {\n"
      "  output a = 1\n"
      "  output a = 2\n"
      "})\n"
      "output r = %r\n");
  EXPECT_EQ(
      complaint(graph),
      "demo: node 'r' (higher_order.cond), sub-graph 'yes': two outputs are "
      "called 'a'");
}

}  // namespace
}  // namespace pp::ir
