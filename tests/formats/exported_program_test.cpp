#include "loader/formats/exported_program.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "loader/model_loader.h"
#include "tests/formats/patched_archive.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

using ir::Graph;
using ir::Node;

std::filesystem::path fixture(const std::string& name) {
  return test::fixture_folder() / "formats" / (name + ".pt2");
}

Model load(const std::string& name) {
  return load_model(fixture(name));
}

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

const Node& node_of(const Graph& graph, const std::string& target) {
  const auto found = std::ranges::find(graph.nodes, target, &Node::target);
  EXPECT_NE(found, graph.nodes.end()) << target;
  return *found;
}

using Names = std::vector<std::string>;

TEST(ExportedProgram, GraphOfAnMlp) {
  const Model model = load("mlp");
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
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(fixture("mlp").parent_path())) {
    if (entry.path().extension() == ".pt2") {
      const std::string text = ir::to_text(load_model(entry.path()).graph);
      EXPECT_EQ(ir::to_text(ir::parse_text(text)), text) << entry.path();
      ++count;
    }
  }
  EXPECT_GT(count, 20);
}

TEST(ExportedProgram, RecordsLieInTheFile) {
  const Model model = load("mlp_double");
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
  EXPECT_EQ(modules(load("mlp")), modules(load("mlp_strict")));
}

TEST(ExportedProgram, TiedParametersAreOneState) {
  for (const char* name : {"tied", "tied_strict"}) {
    const Model model = load(name);
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
      input_names(load("keywords").graph),
      (Names{"x", "mask", "scale=", "options.gain=", "options.bias="}));
  EXPECT_EQ(input_names(load("gpt2").graph), Names{"input_ids="});
  EXPECT_EQ(input_names(load("tied").graph), Names{"ids"});
}

TEST(ExportedProgram, OutputsAreNamedByTheTree) {
  EXPECT_EQ(
      output_names(load("outputs_dict").graph),
      (Names{"logits", "parts.0", "parts.1", "none"}));
  EXPECT_EQ(
      output_names(load("outputs_dataclass").graph),
      (Names{"logits", "hidden"}));
  EXPECT_EQ(
      output_names(load("outputs_namedtuple").graph),
      (Names{"first", "second.z"}));
  EXPECT_EQ(
      output_names(load("outputs_tuple").graph),
      (Names{"output_0", "output_1", "output_2"}));
  EXPECT_EQ(output_names(load("gpt2").graph), Names{"logits"});
}

TEST(ExportedProgram, ConstantsAndBuffers) {
  const Model model = load("constants");
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
  const Graph graph = load("regions").graph;
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
  const Graph graph = load("twice").graph;
  Names keys;
  for (const Node& node : graph.nodes) {
    if (ir::module_of(node) == "body") {
      keys.push_back(node.modules.back().key);
    }
  }
  EXPECT_EQ(keys, (Names{"L__self__body", "L__self__body@1"}));
}

TEST(ExportedProgram, SizesAreSymbols) {
  const Graph graph = load("dynamic").graph;
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
  // Sizes read up front belong to no module.
  EXPECT_TRUE(node_of(graph, "aten.sym_size.int").modules.empty());
}

TEST(ExportedProgram, BoundsOfADynamicBatch) {
  const Graph graph = load("mlp_batch").graph;
  ASSERT_EQ(graph.ranges.size(), 1U);
  EXPECT_EQ(graph.ranges.begin()->second.max, 64);
}

TEST(ExportedProgram, FunctionalGraphsMutateBuffersAtTheEnd) {
  const Graph graph = load("counter_functional").graph;
  ASSERT_EQ(graph.mutations.size(), 1U);
  EXPECT_EQ(graph.mutations[0].fqn, "steps");
  EXPECT_EQ(output_names(graph), Names{"output_0"});
  EXPECT_EQ(load("batch_norm_functional").graph.mutations.size(), 3U);
}

TEST(ExportedProgram, ControlFlowOwnsGraphs) {
  const Graph graph = load("branch").graph;
  const Node& cond = node_of(graph, "higher_order.cond");
  const auto& yes = std::get<ir::SubGraph>(cond.inputs.at(1).arg.value);
  EXPECT_EQ(
      targets(*yes.graph), (Names{"aten.sin.default", "aten.mul.Tensor"}));
  EXPECT_EQ(targets(load("loop").graph).back(), "higher_order.while_loop");
}

TEST(ExportedProgram, SampleInputsAreReadAsPlainTensors) {
  const auto sample = sample_inputs(load("mlp"));
  ASSERT_TRUE(sample);
  const auto& pair = std::get<PickleValue::Sequence>(sample->value);
  const auto& args = std::get<PickleValue::Sequence>(pair.items.at(0).value);
  const auto& x = std::get<PickledTensor>(args.items.at(0).value);
  EXPECT_EQ(x.tensor.sizes, (std::vector<ir::Dim>{{2, ""}, {8, ""}}));
  const auto archive = sample_inputs_archive(load("mlp"));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->find(x.record).num_bytes, 2U * 8U * 4U);
}

TEST(ExportedProgram, MarkersArePassedOver) {
  const Graph graph = load("marker").graph;
  const Node& marker = node_of(graph, "pippy._pipe_split.default");
  EXPECT_TRUE(marker.outputs.empty());
  EXPECT_TRUE(marker.inputs.empty());
}

TEST(ExportedProgram, AWrittenProgramReadsBackTheSame) {
  const std::filesystem::path copy =
      std::filesystem::temp_directory_path() /
      ("pp_rewritten_" + std::to_string(getpid()) + ".pt2");
  for (const auto& entry :
       std::filesystem::directory_iterator(fixture("mlp").parent_path())) {
    if (entry.path().extension() != ".pt2") {
      continue;
    }
    const Model source = load_model(entry.path());
    for (const OutputTree tree : {OutputTree::Source, OutputTree::Tuple}) {
      write_exported_program(copy, source.graph, source, tree);
      const Model again = load_model(copy);
      EXPECT_EQ(ir::to_text(again.graph), ir::to_text(source.graph))
          << entry.path();
      for (const auto& [fqn, record] : source.records) {
        const auto& other = again.records.at(fqn);
        const auto bytes = [](const Model& model, const StateRecord& at) {
          return model.archive->bytes(model.archive->find(at.record));
        };
        EXPECT_TRUE(
            std::ranges::equal(bytes(source, record), bytes(again, other)))
            << fqn;
      }
    }
  }
  std::filesystem::remove(copy);
}

// --- effects --------------------------------------------------------------

TEST(Effects, WritesAndAliasesBySchema) {
  const Graph graph = load("counter").graph;
  const Node& add = node_of(graph, "aten.add_.Tensor");
  const ir::ValueId steps =
      graph.states.at(static_cast<size_t>(ir::try_find_state(graph, "steps")))
          .value;
  EXPECT_EQ(add.effects.writes, std::vector<ir::ValueId>{steps});
  const ir::ValueId result = add.outputs.at(0).ids.at(0);
  EXPECT_EQ(
      add.effects.aliases,
      (std::vector<std::pair<ir::ValueId, ir::ValueId>>{{result, steps}}));
}

TEST(Effects, RunningStatisticsAreWritten) {
  const Node norm =
      node_of(load("batch_norm").graph, "aten.batch_norm.default");
  EXPECT_EQ(norm.effects.writes.size(), 2U);
}

TEST(Effects, ViewsInListsAliasTheirBase) {
  const Node chunk = node_of(load("twice").graph, "aten.chunk.default");
  ASSERT_EQ(chunk.effects.aliases.size(), 2U);
  EXPECT_EQ(chunk.effects.aliases[0].first, chunk.outputs[0].ids[0]);
}

TEST(Effects, DropoutIsRandomAndMayReturnItsInput) {
  const Node dropout = node_of(load("gpt2").graph, "aten.dropout.default");
  EXPECT_TRUE(dropout.effects.random);
  EXPECT_EQ(dropout.effects.aliases.size(), 1U);
  EXPECT_FALSE(
      node_of(load("gpt2").graph, "aten.linear.default").effects.random);
}

// --- errors ---------------------------------------------------------------

using Change = std::function<std::string(std::string)>;

std::string replaced(
    std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Change replace(const std::string& from, const std::string& to) {
  return [=](const std::string& text) { return replaced(text, from, to); };
}

class LoadErrors : public testing::Test {
 protected:
  LoadErrors()
      : path_(
            std::filesystem::temp_directory_path() /
            ("pp_formats_" + std::to_string(getpid()) + ".pt2")) {}
  ~LoadErrors() override { std::filesystem::remove(path_); }

  /// The message without the path.
  std::string complaint() {
    try {
      load_model(path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input);
      return replaced(error.what(), path_.string() + ": ", "");
    }
    return "none";
  }

  std::string complaint_about(
      const std::string& name, const std::map<std::string, Change>& changes) {
    testing_support::write_patched(fixture(name), path_, changes);
    return complaint();
  }

  std::string complaint_about_archive(const std::string& record) {
    ZipWriter archive(path_, "archive");
    archive.add(record, std::string_view("x"));
    archive.add("byteorder", std::string_view("little"));
    archive.finish();
    return complaint();
  }

  std::filesystem::path path_;
};

constexpr const char* kProgram = "models/model.json";
constexpr const char* kWeightsTable = "data/weights/model_weights_config.json";

TEST_F(LoadErrors, AnUntouchedCopyLoads) {
  EXPECT_EQ(complaint_about("mlp", {}), "none");
}

TEST_F(LoadErrors, SchemaVersion) {
  const std::string range = " than the 8.x that is read; export the model ";
  EXPECT_EQ(
      complaint_about(
          "mlp", {{kProgram, replace("\"major\": 8", "\"major\": 9")}})
          .substr(0, 45),
      "models/model.json: schema version 9.20 is new");
  EXPECT_NE(
      complaint_about(
          "mlp", {{kProgram, replace("\"major\": 8", "\"major\": 7")}})
          .find("is older" + range + "again with torch 2.11 or newer"),
      std::string::npos);
}

TEST_F(LoadErrors, DamagedDocument) {
  EXPECT_EQ(
      complaint_about(
          "mlp", {{kProgram, [](const std::string&) { return "{\"a\": "; }}}),
      "models/model.json: not valid JSON at byte 7");
  EXPECT_EQ(
      complaint_about(
          "mlp", {{kProgram, replace("\"input_specs\"", "\"inputs\"")}})
          .substr(0, 49),
      "models/model.json: 'input_specs' is missing in {\"");
}

TEST_F(LoadErrors, DeeplyNestedDocument) {
  const auto deep = [](const std::string&) { return std::string(1000, '['); };
  EXPECT_EQ(
      complaint_about("mlp", {{kProgram, deep}}),
      "models/model.json: nested more than 400 deep at byte 400");
}

TEST_F(LoadErrors, UnknownOperator) {
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace(
                "torch.ops.aten.relu.default", "torch.ops.my.op.default")}}),
      "models/model.json: node 'relu' calls 'my::op', which is not registered "
      "in this LibTorch");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace(
                "torch.ops.aten.relu.default",
                "torch.ops.higher_order.scan")}}),
      "models/model.json: node 'relu' calls 'higher_order.scan', which is not "
      "registered in this LibTorch");
}

TEST_F(LoadErrors, NodesAreNamed) {
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace(
                R"("arg": {"as_tensor": {"name": "linear"}})",
                R"("arg": {"as_tensor": {"name": "lost"}})")}}),
      "models/model.json: node 'relu' (aten.relu.default): reads 'lost', which "
      "nothing before it defines");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace(
                R"("arg": {"as_tensor": {"name": "linear"}})",
                R"("arg": {"as_custom_obj": {"name": "o", "class_fqn": "C"}})")}}),
      "models/model.json: node 'relu' (aten.relu.default): takes a custom "
      "object of class 'C'; only tensors and plain values are supported");
}

TEST_F(LoadErrors, MutatedInput) {
  EXPECT_EQ(
      complaint_about(
          "counter_functional",
          {{kProgram,
            replace(
                R"({"buffer_mutation": {"arg": {"name": "add"}, "buffer_name": "steps"}})",
                R"({"user_input_mutation": {"arg": {"name": "add"}, "user_input_name": "x"}})")}}),
      "models/model.json: output 0: the model mutates its input 'x', which is "
      "not supported; clone it in forward");
}

TEST_F(LoadErrors, Weights) {
  EXPECT_EQ(
      complaint_about("mlp", {{"data/weights/weight_0", {}}}),
      "data/weights/model_weights_config.json: 'blocks.0.up.weight' lies in "
      "record 'data/weights/weight_0', which is missing");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{"data/weights/weight_0",
            [](const std::string& bytes) { return bytes.substr(8); }}}),
      "data/weights/model_weights_config.json: 'blocks.0.up.weight' needs 512 "
      "bytes, but record 'data/weights/weight_0' has 504");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kWeightsTable,
            replace("\"use_pickle\": false", "\"use_pickle\": true")}}),
      "data/weights/model_weights_config.json: 'blocks.0.up.weight': is stored "
      "as a Python pickle, which is not read; only plain tensors are "
      "supported");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kWeightsTable,
            replace(
                R"("strides": [{"as_int": 16})",
                R"("strides": [{"as_int": 9223372036854775807})")}})
          .substr(0, 90),
      "data/weights/model_weights_config.json: 'blocks.0.down.weight' has "
      "sizes or strides that m");
  EXPECT_EQ(
      complaint_about(
          "mlp", {{kWeightsTable, replace("\"head.bias\"", "\"tail.bias\"")}}),
      "models/model.json: input 9: the signature names 'head.bias', but the "
      "table of weights lacks it");
}

TEST_F(LoadErrors, LookAlikes) {
  const std::string how =
      "export the model: torch.export.save(torch.export.export(model, args), "
      "\"model.pt2\")";
  EXPECT_EQ(
      complaint_about_archive("data.pkl"),
      "saved by torch.save: pickled Python objects (a state dict or a module), "
      "without a graph; " +
          how);
  EXPECT_EQ(
      complaint_about_archive("data/aotinductor/model/model.so"),
      "a compiled AOTInductor package, without a graph; " + how);
  EXPECT_EQ(
      complaint_about_archive("serialized_exported_program.json"),
      "an exported program in the layout of torch before 2.8; export it again "
      "with torch 2.11 or newer");
  EXPECT_EQ(
      complaint_about_archive("something"),
      "an archive that holds no model; " + how);
  std::ofstream(path_, std::ios::binary) << "\x80\x02}q.";
  EXPECT_EQ(
      complaint(),
      "a Python pickle (torch.save of an old torch), not a model; " + how);
}

}  // namespace
}  // namespace pp
