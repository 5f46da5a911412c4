#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "loader/model_loader.h"
#include "loader/torchscript/write.h"
#include "tests/torchscript/examples.h"

namespace pp {
namespace {

using test::example;
using test::fixture;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::vector<std::string> targets(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Node& node : graph.nodes) {
    out.push_back(node.target);
  }
  return out;
}

/// The graph as text without sizes, which a trace has and a script does not.
std::string without_sizes(ir::Graph graph) {
  for (ir::Value& value : graph.values) {
    value.scalar.reset();
    if (value.tensor) {
      value.tensor = ir::TensorMeta{};
    }
  }
  return ir::to_text(graph);
}

TEST(TorchScript, CallsAreInlinedAndKeepTheirModules) {
  const Model model = load_model(fixture("mlp-trace.pt"));
  EXPECT_EQ(model.format, ModelFormat::TorchScript);
  std::vector<std::string> lines;
  for (const ir::Node& node : model.graph.nodes) {
    lines.push_back(
        node.target + " @ " + ir::module_of(node) + ": " +
        node.modules.back().type);
  }
  ASSERT_EQ(lines.size(), 13);
  EXPECT_EQ(
      lines[0],
      "aten.linear.default @ layers.0.0: torch.nn.modules.linear.Linear");
  EXPECT_EQ(
      lines[2],
      "aten.dropout.default @ layers.0.2: torch.nn.modules.dropout.Dropout");
  EXPECT_EQ(
      lines[12], "aten.linear.default @ head: torch.nn.modules.linear.Linear");
  EXPECT_TRUE(model.graph.nodes[2].effects.random);
}

TEST(TorchScript, ATraceAndAScriptOfOneModelAreOneGraph) {
  const Model trace = load_model(fixture("mlp-trace.pt"));
  const Model script = load_model(fixture("mlp-script.pt"));
  EXPECT_EQ(without_sizes(trace.graph), without_sizes(script.graph));
}

TEST(TorchScript, OnlyATraceKnowsItsInputs) {
  const Model trace = load_model(fixture("mlp-plain-trace.pt"));
  const auto& known =
      trace.graph.values[trace.graph.inputs.at(0).value].tensor.value();
  EXPECT_TRUE(known.known);
  EXPECT_EQ(known.dtype, ir::ScalarType::Float);
  ASSERT_EQ(known.sizes.size(), 2);
  EXPECT_EQ(known.sizes[0].value, 4);
  EXPECT_FALSE(known.sizes[0].is_fixed());
  for (const ir::Value& value : trace.graph.values) {
    EXPECT_TRUE(value.tensor->known) << value.name;
  }
  const Model script = load_model(fixture("mlp-plain-script.pt"));
  EXPECT_FALSE(
      script.graph.values[script.graph.inputs.at(0).value].tensor->known);
  EXPECT_THAT(script.notes, Contains(HasSubstr("scripted")));
}

TEST(TorchScript, WhatATraceKnowsOfItsInputsFollowsForAllTensors) {
  for (const char* name :
       {"tiny-gpt-trace.pt", "resnet18-train-trace.pt", "lists-trace.pt"}) {
    const Model model = load_model(example(name));
    for (const ir::Value& value : model.graph.values) {
      EXPECT_TRUE(!value.tensor || value.tensor->known)
          << name << ": " << value.name;
    }
  }
}

TEST(TorchScript, StatesAreMappedFromTheirRecords) {
  const Model model = load_model(fixture("mlp-plain-trace.pt"));
  ASSERT_EQ(model.graph.states.size(), 10);
  for (const ir::State& state : model.graph.states) {
    const StateRecord& record = model.records.at(state.fqn);
    const ZipRecord& found = model.archive->find(record.record);
    EXPECT_EQ(record.offset, found.offset) << state.fqn;
    EXPECT_EQ(record.num_bytes, ir::num_bytes(record.tensor)) << state.fqn;
    EXPECT_TRUE(record.tensor.requires_grad);
    EXPECT_EQ(state.kind, ir::StateKind::Parameter);
  }
  EXPECT_EQ(model.records.at("head.weight").tensor.sizes.at(0).value, 10);
}

TEST(TorchScript, BuffersAreTold) {
  const Model model = load_model(example("buffers-script.pt"));
  const int calls = ir::try_find_state(model.graph, "calls");
  ASSERT_GE(calls, 0);
  EXPECT_EQ(model.graph.states[calls].kind, ir::StateKind::Buffer);
  const auto& nodes = model.graph.nodes;
  const auto written = std::ranges::find_if(nodes, [](const ir::Node& node) {
    return node.target == "aten.add_.Scalar" ||
           node.target == "aten.add_.Tensor";
  });
  ASSERT_NE(written, nodes.end());
  EXPECT_THAT(
      written->effects.writes, ElementsAre(model.graph.states[calls].value));
}

TEST(TorchScript, ATiedParameterIsOneState) {
  for (const char* name : {"tied-gpt-trace.pt", "tied-gpt-script.pt"}) {
    const Model model = load_model(example(name));
    const int found = ir::try_find_state(model.graph, "head.weight");
    ASSERT_GE(found, 0) << name;
    EXPECT_EQ(found, ir::try_find_state(model.graph, "tok.weight")) << name;
  }
}

TEST(TorchScript, ASharedModuleHasTwoNamesAndOneSetOfWeights) {
  const Model model = load_model(example("shared-script.pt"));
  EXPECT_EQ(
      ir::try_find_state(model.graph, "a.weight"),
      ir::try_find_state(model.graph, "again.weight"));
  EXPECT_EQ(model.graph.states.size(), 4);
}

TEST(TorchScript, SizesThatATraceComputesAsTensorsAreNumbers) {
  const Model model = load_model(example("tiny-gpt-trace.pt"));
  EXPECT_THAT(
      targets(model.graph),
      AllOf(
          Contains("_operator.floordiv"),
          Each(::testing::Not(HasSubstr("scalar_tensor"))),
          Each(::testing::Not(HasSubstr("item")))));
}

TEST(TorchScript, LoopsOfKnownLengthAreUnrolledAndBranchesFolded) {
  const Model model = load_model(example("lists-script.pt"));
  EXPECT_EQ(std::ranges::count(targets(model.graph), "aten.linear.default"), 4);
  EXPECT_THAT(targets(model.graph), Contains("aten.sum.dim_IntList"));
  EXPECT_THAT(targets(model.graph), Each(::testing::Not(HasSubstr("slice"))));
}

TEST(TorchScript, ALoopOverAListEndsWhereItsResultIsTakenApart) {
  const Model model = load_model(example("tiny-gpt-script.pt"));
  EXPECT_EQ(
      std::ranges::count(
          targets(model.graph), "aten.scaled_dot_product_attention.default"),
      4);
}

TEST(TorchScript, ATensorMadeWithoutGradientsIsNotDetachedAgain) {
  for (const char* name : {"no-grad-script.pt", "no-grad-resize-script.pt"}) {
    EXPECT_EQ(
        std::ranges::count(
            targets(load_model(example(name)).graph), "aten.detach.default"),
        1)
        << name;
  }
}

TEST(TorchScript, OutputsAreNamed) {
  const auto names = [](const std::string& file) {
    std::vector<std::string> out;
    for (const ir::Output& output : load_model(example(file)).graph.outputs) {
      out.push_back(output.name);
    }
    return out;
  };
  EXPECT_THAT(names("tuple-script.pt"), ElementsAre("output_0", "output_1"));
  EXPECT_THAT(names("named-script.pt"), ElementsAre("hidden", "score"));
  EXPECT_THAT(names("dict-script.pt"), ElementsAre("hidden", "score"));
}

TEST(TorchScript, AWrittenModelReadsBackAsTheSameGraph) {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"tiny-gpt-trace.pt",
        "tiny-gpt-script.pt",
        "named-script.pt",
        "buffers-script.pt",
        "lists-trace.pt",
        "resnet18-train-trace.pt"}) {
    const Model source = load_model(example(name));
    const fs::path path = folder / name;
    write_torchscript(path, source.graph, source, true);
    const Model read_back = load_model(path);
    EXPECT_EQ(ir::to_text(read_back.graph), ir::to_text(source.graph)) << name;
    for (const ir::State& state : read_back.graph.states) {
      const StateRecord& copied = read_back.records.at(state.fqn);
      const StateRecord& original = source.records.at(state.fqn);
      EXPECT_EQ(copied.tensor, original.tensor) << state.fqn;
      EXPECT_EQ(
          read_back.archive->find(copied.record).crc32,
          source.archive->find(original.record).crc32)
          << name << ": " << state.fqn;
    }
    EXPECT_EQ(
        std::distance(
            fs::directory_iterator(path.parent_path()),
            fs::directory_iterator()),
        1);
    fs::remove(path);
  }
}

}  // namespace
}  // namespace pp
