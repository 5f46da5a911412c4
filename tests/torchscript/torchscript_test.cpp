#include "loader/formats/torchscript.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "loader/model_loader.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) {
  return test::fixture_folder() / name;
}

fs::path example(const std::string& name) {
  return fixture("torchscript/" + name);
}

std::vector<std::string> targets(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Node& node : graph.nodes) {
    out.push_back(node.target);
  }
  return out;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "nothing was refused";
}

/// What is known of sizes differs between a trace and a script.
std::string without_sizes(ir::Graph graph) {
  for (ir::Value& value : graph.values) {
    value.scalar.reset();
    if (value.tensor) {
      value.tensor = ir::TensorMeta{};
    }
  }
  return ir::to_text(graph);
}

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(
            fs::temp_directory_path() /
            ("pp_torchscript_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// A copy of an archive with one record replaced.
void copy_with(
    const fs::path& from,
    const fs::path& to,
    const std::string& record,
    std::string_view content) {
  const ZipReader archive(from);
  ZipWriter writer(to, "copy");
  for (const ZipRecord& each : archive.records()) {
    if (each.name == record) {
      writer.add(each.name, content);
    } else {
      writer.copy(each.name, archive, each);
    }
  }
  writer.finish();
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
  const TemporaryFolder folder;
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
    const Model again = load_model(path);
    EXPECT_EQ(ir::to_text(again.graph), ir::to_text(source.graph)) << name;
    for (const ir::State& state : again.graph.states) {
      const StateRecord& ours = again.records.at(state.fqn);
      const StateRecord& theirs = source.records.at(state.fqn);
      EXPECT_EQ(ours.tensor, theirs.tensor) << state.fqn;
      EXPECT_EQ(
          again.archive->find(ours.record).crc32,
          source.archive->find(theirs.record).crc32)
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

// --- Branches and loops that depend on what is computed ---

const ir::Node& find_target(const ir::Graph& graph, std::string_view target) {
  const auto found = std::ranges::find(graph.nodes, target, &ir::Node::target);
  if (found == graph.nodes.end()) {
    throw std::runtime_error("no " + std::string(target));
  }
  return *found;
}

const ir::Graph& block_of(const ir::Node& node, size_t index) {
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      if (index-- == 0) {
        return *sub->graph;
      }
    }
  }
  throw std::runtime_error("no such block");
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
  // The turn, what is carried, then what is only read: weight and bias.
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
  // What a branch gives is known where both sides agree.
  const ir::Node& branch = find_target(model.graph, "prim::If");
  const auto& given =
      model.graph.values[static_cast<size_t>(branch.outputs[0].ids[0])];
  EXPECT_TRUE(given.tensor->known);
}

// --- What is refused, and in which words ---

TEST(TorchScriptErrors, AListThatGrowsInALoop) {
  EXPECT_THAT(
      refusal([] { load_model(example("grows-a-list-script.pt")); }),
      AllOf(
          HasSubstr("grows-a-list-script.pt: 'aten::append'"),
          HasSubstr("to a list made outside")));
}

TEST(TorchScriptErrors, HintsForInputsThatAreNot) {
  try {
    load_model(
        example("branch-script.pt"), {.inputs = parse_input_hints({"y=4x8"})});
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_THAT(
        error.what(), HasSubstr("--input y: forward has no such argument"));
  }
}

TEST(InputHints, AreNamesWithSizesAndTypes) {
  const InputHints hints =
      parse_input_hints({"x=4x32", "ids=2x16:int64", "s="});
  EXPECT_EQ(hints.at("x").sizes[1].value, 32);
  EXPECT_EQ(hints.at("x").strides[0].value, 32);
  EXPECT_EQ(hints.at("ids").dtype, ir::ScalarType::Long);
  EXPECT_TRUE(hints.at("s").sizes.empty());
  for (const char* wrong :
       {"x", "=4", "x=4x", "x=x4", "x=-1", "x=4y5", "x=4:int65"}) {
    EXPECT_THROW(parse_input_hints({wrong}), Error) << wrong;
  }
  EXPECT_THROW(parse_input_hints({"x=4", "x=5"}), Error);
}

TEST(TorchScriptErrors, AnAttributeThatIsSet) {
  EXPECT_THAT(
      refusal([] { load_model(example("sets-attribute-script.pt")); }),
      AllOf(HasSubstr("'prim::SetAttr'"), HasSubstr("'last'")));
}

TEST(TorchScriptErrors, DamagedStructure) {
  const TemporaryFolder folder;
  const fs::path path = folder / "damaged.pt";
  copy_with(fixture("mlp-plain-script.pt"), path, "data.pkl", "\x80\x02N.");
  EXPECT_THAT(
      refusal([&] { load_model(path); }),
      HasSubstr("damaged.pt: LibTorch can't read this TorchScript archive"));
}

TEST(TorchScriptErrors, AGraphThatIsNotThatOfTheCode) {
  const TemporaryFolder folder;
  const Model source = load_model(fixture("mlp-plain-script.pt"));
  const fs::path path = folder / "stage.pt";
  const fs::path changed = folder / "changed.pt";
  write_torchscript(path, source.graph, source, true);
  ir::Graph other = source.graph;
  other.nodes[1].target = "aten.gelu.default";
  copy_with(path, changed, "extra/pp_graph.txt", ir::to_text(other));
  EXPECT_THAT(
      refusal([&] { load_model(changed); }),
      AllOf(
          HasSubstr("does not describe the code beside it"),
          HasSubstr("'aten.gelu.default' and 'aten.relu.default'")));
}

TEST(TorchScriptErrors, ATextThatIsNoGraph) {
  const TemporaryFolder folder;
  const Model source = load_model(fixture("mlp-plain-script.pt"));
  const fs::path path = folder / "stage.pt";
  const fs::path changed = folder / "changed.pt";
  write_torchscript(path, source.graph, source, true);
  copy_with(path, changed, "extra/pp_graph.txt", "input x = ");
  EXPECT_THAT(
      refusal([&] { load_model(changed); }),
      HasSubstr("changed.pt: extra/pp_graph.txt: "));
}

}  // namespace
}  // namespace pp
