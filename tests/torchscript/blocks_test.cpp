#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "loader/ir/walk.h"
#include "loader/model_loader.h"
#include "tests/torchscript/examples.h"

// Branches and loops that depend on computed values.
namespace pp {
namespace {

using test::example;
using test::find_target;

/// The `index`-th graph that a node owns.
const ir::Graph& block_of(const ir::Node& node, size_t index) {
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      if (index-- == 0) {
        return *sub->graph;
      }
    }
  }
  throw std::runtime_error("the node has no such block");
}

TEST(TorchScriptBlocks, ABranchOwnsTwoGraphs) {
  const Model model = load_model(example("branch-script.pt"));
  const ir::Node& outer = find_target(model.graph, "prim::If");
  EXPECT_EQ(outer.modules.back().fqn, "pick");
  EXPECT_EQ(block_of(outer, 0).nodes.front().modules.back().fqn, "pick.wide");
  const ir::Node& inner = find_target(block_of(outer, 0), "prim::If");
  EXPECT_EQ(inner.outputs.size(), 1);
  EXPECT_EQ(
      find_target(block_of(outer, 1), "aten.linear.default").modules.back().fqn,
      "pick.narrow");
}

TEST(TorchScriptBlocks, ABranchWritesWhatItsNodesWrite) {
  const Model model = load_model(example("branch-script.pt"));
  const auto& nodes = model.graph.nodes;
  const auto counts = std::ranges::find_if(nodes, [](const ir::Node& node) {
    return node.target == "prim::If" && !node.effects.writes.empty();
  });
  ASSERT_NE(counts, nodes.end());
  const int state = ir::try_find_state(model.graph, "calls");
  ASSERT_GE(state, 0);
  EXPECT_EQ(counts->effects.writes.size(), 1);
  EXPECT_EQ(
      counts->effects.writes.front(),
      model.graph.states[static_cast<size_t>(state)].value);
}

TEST(TorchScriptBlocks, ALoopCarriesValues) {
  const Model model = load_model(example("repeat-script.pt"));
  const ir::Node& loop = find_target(model.graph, "prim::Loop");
  EXPECT_EQ(loop.outputs.size(), 2);  // x and total
  const ir::Graph& body = block_of(loop, 0);
  EXPECT_EQ(
      find_target(body, "aten.linear.default").modules.back().fqn, "step.mix");
  // The iteration, two carried values, and weight and bias, which are only
  // read.
  EXPECT_EQ(body.inputs.size(), 1 + 2 + 2);
  EXPECT_EQ(body.outputs.size(), 1 + 2);
}

TEST(TorchScriptBlocks, HintsGiveAScriptedModelSizes) {
  const Model model = load_model(
      example("branch-script.pt"), {.inputs = parse_input_hints({"x=6x8"})});
  const auto& meta =
      model.graph.values[static_cast<size_t>(model.graph.inputs[0].value)]
          .tensor;
  ASSERT_TRUE(meta && meta->known);
  EXPECT_EQ(meta->sizes[0].value, 6);
  // The result of a branch is known where both sides agree.
  const ir::Node& branch = find_target(model.graph, "prim::If");
  const auto& given =
      model.graph.values[static_cast<size_t>(branch.outputs[0].ids[0])];
  EXPECT_TRUE(given.tensor->known);
}

}  // namespace
}  // namespace pp
