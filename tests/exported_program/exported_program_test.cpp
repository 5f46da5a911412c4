#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/exported_program/load.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "tests/exported_program/cases.h"

namespace pp {
namespace {

using ir::Graph;
using ir::Node;
using test::load_case;
using test::node_of;

std::vector<std::string> input_names(const Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Input& input : graph.inputs) {
    out.push_back(input.name + (input.keyword ? "=" : ""));
  }
  return out;
}

std::vector<std::string> output_names(const Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Output& output : graph.outputs) {
    out.push_back(output.name);
  }
  return out;
}

std::vector<std::string> targets(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& node : graph.nodes) {
    out.push_back(node.target);
  }
  return out;
}

using Names = std::vector<std::string>;

TEST(ExportedProgram, GraphOfAnMlp) {
  const Model model = load_case("mlp");
  EXPECT_EQ(
      ir::to_text(model.graph),
      R"(module "" key(L__self__) type(__main__.Mlp)
module blocks key(L__self__blocks) type(torch.nn.modules.container.Sequential)
module blocks.0 key(L__self__blocks.0) type(__main__.Block)
module blocks.0.up key(L__self__blocks.0.up) type(torch.nn.modules.linear.Linear)
module blocks.0.down key(L__self__blocks.0.down) type(torch.nn.modules.linear.Linear)
module blocks.1 key(L__self__blocks.1) type(__main__.Block)
module blocks.1.up key(L__self__blocks.1.up) type(torch.nn.modules.linear.Linear)
module blocks.1.down key(L__self__blocks.1.down) type(torch.nn.modules.linear.Linear)
module head key(L__self__head) type(torch.nn.modules.linear.Linear)
input %x: float32[2, 8]
parameter blocks.0.up.weight = %p_blocks_0_up_weight: float32[16, 8] grad
parameter blocks.0.up.bias = %p_blocks_0_up_bias: float32[16] grad
parameter blocks.0.down.weight = %p_blocks_0_down_weight: float32[8, 16] grad
parameter blocks.0.down.bias = %p_blocks_0_down_bias: float32[8] grad
parameter blocks.1.up.weight = %p_blocks_1_up_weight: float32[16, 8] grad
parameter blocks.1.up.bias = %p_blocks_1_up_bias: float32[16] grad
parameter blocks.1.down.weight = %p_blocks_1_down_weight: float32[8, 16] grad
parameter blocks.1.down.bias = %p_blocks_1_down_bias: float32[8] grad
parameter head.weight = %p_head_weight: float32[4, 8] grad
parameter head.bias = %p_head_bias: float32[4] grad
%linear: float32[2, 16] = aten.linear.default(input=%x, weight=%p_blocks_0_up_weight, bias=%p_blocks_0_up_bias) @ blocks / blocks.0 / blocks.0.up
%relu: float32[2, 16] = aten.relu.default(self=%linear) @ blocks / blocks.0
%linear_1: float32[2, 8] = aten.linear.default(input=%relu, weight=%p_blocks_0_down_weight, bias=%p_blocks_0_down_bias) @ blocks / blocks.0 / blocks.0.down
%add: float32[2, 8] = aten.add.Tensor(self=%x, other=%linear_1) @ blocks / blocks.0
%linear_2: float32[2, 16] = aten.linear.default(input=%add, weight=%p_blocks_1_up_weight, bias=%p_blocks_1_up_bias) @ blocks / blocks.1 / blocks.1.up
%relu_1: float32[2, 16] = aten.relu.default(self=%linear_2) @ blocks / blocks.1
%linear_3: float32[2, 8] = aten.linear.default(input=%relu_1, weight=%p_blocks_1_down_weight, bias=%p_blocks_1_down_bias) @ blocks / blocks.1 / blocks.1.down
%add_1: float32[2, 8] = aten.add.Tensor(self=%add, other=%linear_3) @ blocks / blocks.1
%linear_4: float32[2, 4] = aten.linear.default(input=%add_1, weight=%p_head_weight, bias=%p_head_bias) @ head
output output_0 = %linear_4
)");
}

TEST(ExportedProgram, EveryGraphPrintsAndParsesBack) {
  const auto files = test::case_files();
  EXPECT_GT(files.size(), 20U);
  for (const auto& file : files) {
    const std::string text = ir::to_text(load_model(file).graph);
    EXPECT_EQ(ir::to_text(ir::parse_text(text)), text) << file;
  }
}

TEST(ExportedProgram, RecordsLieInTheFile) {
  const Model model = load_case("mlp_double");
  EXPECT_EQ(model.records.size(), model.graph.states.size());
  const StateRecord& head = model.records.at("head.weight");
  EXPECT_EQ(head.num_bytes, 4U * 8U * 8U);
  EXPECT_EQ(head.tensor.dtype, ir::ScalarType::Double);
  EXPECT_EQ(head.tensor.sizes, (std::vector<ir::Dim>{{4, ""}, {8, ""}}));
  EXPECT_EQ(model.archive->find(head.record).offset, head.offset);
}

TEST(ExportedProgram, StrictAndNonStrictAgreeOnModules) {
  const auto modules = [](const Model& model) {
    Names out;
    for (const Node& node : model.graph.nodes) {
      out.push_back(ir::module_of(node));
    }
    return out;
  };
  EXPECT_EQ(modules(load_case("mlp")), modules(load_case("mlp_strict")));
}

TEST(ExportedProgram, TiedParametersAreOneState) {
  for (const char* name : {"tied", "tied_strict"}) {
    const Model model = load_case(name);
    const int tied = ir::try_find_state(model.graph, "head.weight");
    ASSERT_GE(tied, 0) << name;
    const ir::State& state = model.graph.states[static_cast<size_t>(tied)];
    EXPECT_EQ(state.fqn, "embed.weight") << name;
    EXPECT_EQ(state.aliases, Names{"head.weight"}) << name;
    const auto reads = [&](const Node& node) {
      return std::ranges::count(ir::reads_of(node), state.value);
    };
    EXPECT_EQ(reads(model.graph.nodes.front()), 1) << name;
    EXPECT_EQ(reads(model.graph.nodes.back()), 1) << name;
    EXPECT_EQ(model.graph.states.size(), 3U) << name;
  }
}

TEST(ExportedProgram, InputsAreNamedAsForwardNamesThem) {
  EXPECT_EQ(
      input_names(load_case("keywords").graph),
      (Names{"x", "mask", "scale=", "options.gain=", "options.bias="}));
  EXPECT_EQ(input_names(load_case("gpt2").graph), Names{"input_ids="});
  EXPECT_EQ(input_names(load_case("tied").graph), Names{"ids"});
}

TEST(ExportedProgram, OutputsAreNamedByTheTree) {
  EXPECT_EQ(
      output_names(load_case("outputs_dict").graph),
      (Names{"logits", "parts.0", "parts.1", "none"}));
  EXPECT_EQ(
      output_names(load_case("outputs_dataclass").graph),
      (Names{"logits", "hidden"}));
  EXPECT_EQ(
      output_names(load_case("outputs_namedtuple").graph),
      (Names{"first", "second.z"}));
  EXPECT_EQ(
      output_names(load_case("outputs_tuple").graph),
      (Names{"output_0", "output_1", "output_2"}));
  EXPECT_EQ(output_names(load_case("gpt2").graph), Names{"logits"});
}

TEST(ExportedProgram, ConstantsAndBuffers) {
  const Model model = load_case("constants");
  const auto state = [&](const char* fqn) {
    return model.graph.states.at(
        static_cast<size_t>(ir::try_find_state(model.graph, fqn)));
  };
  EXPECT_EQ(state("kept").kind, ir::StateKind::Buffer);
  EXPECT_TRUE(state("kept").persistent);
  EXPECT_EQ(state("derived").kind, ir::StateKind::Buffer);
  EXPECT_FALSE(state("derived").persistent);
  EXPECT_EQ(state("shift").kind, ir::StateKind::Constant);
}

TEST(ExportedProgram, RegionsAreInlined) {
  const Graph graph = load_case("regions").graph;
  for (const Node& node : graph.nodes) {
    EXPECT_FALSE(node.target.starts_with("higher_order")) << node.target;
  }
  const Node& frozen = graph.nodes.at(0);
  EXPECT_FALSE(frozen.grad_enabled);
  EXPECT_FALSE(frozen.autocast);
  EXPECT_EQ(ir::module_of(frozen), "a");
  const Node& cast = graph.nodes.at(3);
  EXPECT_EQ(cast.target, "aten.linear.default");
  EXPECT_EQ(
      cast.autocast,
      (ir::Autocast{"cpu", ir::ScalarType::BFloat16, true, false}));
  const Node& last = graph.nodes.back();
  EXPECT_TRUE(last.grad_enabled);
  EXPECT_FALSE(last.autocast);
}

TEST(ExportedProgram, ModulesCalledTwiceKeepTheirFqn) {
  const Graph graph = load_case("twice").graph;
  Names keys;
  for (const Node& node : graph.nodes) {
    if (ir::module_of(node) == "body") {
      keys.push_back(node.modules.back().key);
    }
  }
  EXPECT_EQ(keys, (Names{"L__self__body", "L__self__body@1"}));
}

TEST(ExportedProgram, SizesAreSymbols) {
  const Graph graph = load_case("dynamic").graph;
  const auto& sizes =
      graph.values.at(static_cast<size_t>(graph.inputs.at(0).value))
          .tensor->sizes;
  ASSERT_FALSE(sizes.at(0).is_fixed());
  EXPECT_EQ(sizes.at(0).value, 2);
  EXPECT_TRUE(sizes.at(2).is_fixed());
  EXPECT_EQ(graph.ranges.count(sizes.at(0).expr), 1U);
  const Node& product = node_of(graph, "_operator.mul");
  const ir::Value& value =
      graph.values.at(static_cast<size_t>(product.outputs.at(0).ids.at(0)));
  EXPECT_EQ(value.type.kind, ir::TypeKind::Int);
  EXPECT_EQ(value.scalar->value, 12);
  EXPECT_NE(value.scalar->expr.find('*'), std::string::npos);
  // Nodes that read sizes at the beginning belong to no module.
  EXPECT_TRUE(node_of(graph, "aten.sym_size.int").modules.empty());
}

TEST(ExportedProgram, BoundsOfADynamicBatch) {
  const Graph graph = load_case("mlp_batch").graph;
  ASSERT_EQ(graph.ranges.size(), 1U);
  EXPECT_EQ(graph.ranges.begin()->second.max, 64);
}

TEST(ExportedProgram, FunctionalGraphsMutateBuffersAtTheEnd) {
  const Graph graph = load_case("counter_functional").graph;
  ASSERT_EQ(graph.mutations.size(), 1U);
  EXPECT_EQ(graph.mutations[0].fqn, "steps");
  EXPECT_EQ(output_names(graph), Names{"output_0"});
  EXPECT_EQ(load_case("batch_norm_functional").graph.mutations.size(), 3U);
}

TEST(ExportedProgram, ControlFlowOwnsGraphs) {
  const Graph graph = load_case("branch").graph;
  const Node& cond = node_of(graph, "higher_order.cond");
  const auto& yes = std::get<ir::SubGraph>(cond.inputs.at(1).arg.value);
  EXPECT_EQ(
      targets(*yes.graph), (Names{"aten.sin.default", "aten.mul.Tensor"}));
  EXPECT_EQ(targets(load_case("loop").graph).back(), "higher_order.while_loop");
}

TEST(ExportedProgram, SampleInputsAreReadAsPlainTensors) {
  const auto sample = sample_inputs(load_case("mlp"));
  ASSERT_TRUE(sample);
  const auto& pair = std::get<PickleValue::Sequence>(sample->value);
  const auto& args = std::get<PickleValue::Sequence>(pair.items.at(0).value);
  const auto& x = std::get<PickledTensor>(args.items.at(0).value);
  EXPECT_EQ(x.tensor.sizes, (std::vector<ir::Dim>{{2, ""}, {8, ""}}));
  const auto archive = sample_inputs_archive(load_case("mlp"));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->find(x.record).num_bytes, 2U * 8U * 4U);
}

TEST(ExportedProgram, MarkersArePassedOver) {
  const Graph graph = load_case("marker").graph;
  const Node& marker = node_of(graph, "pippy._pipe_split.default");
  EXPECT_TRUE(marker.outputs.empty());
  EXPECT_TRUE(marker.inputs.empty());
}

TEST(ExportedProgram, AWrittenProgramReadsBackTheSame) {
  const std::filesystem::path copy =
      std::filesystem::temp_directory_path() /
      ("pp_rewritten_" + std::to_string(getpid()) + ".pt2");
  for (const auto& file : test::case_files()) {
    const Model source = load_model(file);
    for (const OutputTree tree : {OutputTree::Source, OutputTree::Tuple}) {
      write_exported_program(copy, source.graph, source, tree);
      const Model reread = load_model(copy);
      EXPECT_EQ(ir::to_text(reread.graph), ir::to_text(source.graph)) << file;
      for (const auto& [fqn, record] : source.records) {
        const auto& other = reread.records.at(fqn);
        const auto bytes = [](const Model& model, const StateRecord& at) {
          return model.archive->bytes(model.archive->find(at.record));
        };
        EXPECT_TRUE(
            std::ranges::equal(bytes(source, record), bytes(reread, other)))
            << fqn;
      }
    }
  }
  std::filesystem::remove(copy);
}

}  // namespace
}  // namespace pp
