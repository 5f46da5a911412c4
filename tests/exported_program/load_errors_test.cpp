#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "tests/exported_program/cases.h"
#include "tests/exported_program/patched_archive.h"

namespace pp {
namespace {

using test::case_file;

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
    testing_support::write_patched(case_file(name), path_, changes);
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
  const std::string range = " than the supported 8.x; export the model ";
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
          "mlp", {{kProgram, replace("\"input_specs\"", "\"inputs\"")}}),
      "models/model.json: graph_module.signature: 'input_specs' is missing");
}

TEST_F(LoadErrors, DeeplyNestedDocument) {
  const auto deep = [](const std::string&) { return std::string(1000, '['); };
  EXPECT_EQ(
      complaint_about("mlp", {{kProgram, deep}}),
      "models/model.json: nested more than 512 levels deep at byte 512");
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

TEST_F(LoadErrors, ExportsThatNeedDecompositions) {
  const auto refusal = [](const std::string& name) {
    const std::filesystem::path file = case_file("refused/" + name);
    try {
      load_model(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input);
      return replaced(
          error.what(), file.string() + ": models/model.json: node ", "");
    }
    return std::string("none");
  };
  for (const char* name : {"vmap", "associative_scan"}) {
    EXPECT_EQ(
        refusal(name),
        "'lazy_load_decompositions' calls "
        "'torch::_functorch.predispatch.lazy_load_decompositions', which is "
        "not registered in this LibTorch; export again with "
        "ep.run_decompositions({}) before saving");
  }
  EXPECT_EQ(
      refusal("scan"),
      "'scan' calls 'higher_order.scan', which is not registered in this "
      "LibTorch");
}

TEST_F(LoadErrors, OperatorsOfTorchScript) {
  for (const char* target : {"prim::If", "torch.ops.prim::Loop"}) {
    EXPECT_NE(
        complaint_about(
            "mlp", {{kProgram, replace("torch.ops.aten.relu.default", target)}})
            .find("is a TorchScript operator, which an exported program can't "
                  "call"),
        std::string::npos)
        << target;
  }
}

TEST_F(LoadErrors, BuiltinsWithTooFewOperands) {
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace("torch.ops.aten.relu.default", "_operator.add")}}),
      "models/model.json: node 'relu' calls '_operator.add': it has 1 operand, "
      "but needs 2");
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
      "no earlier node defines");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kProgram,
            replace(
                R"("arg": {"as_tensor": {"name": "linear"}})",
                R"("arg": {"as_custom_obj": {"name": "o", "class_fqn": "C"}})")}}),
      "models/model.json: node 'relu' (aten.relu.default): has a custom "
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
      "as a Python pickle; only plain tensors are supported");
  EXPECT_EQ(
      complaint_about(
          "mlp",
          {{kWeightsTable,
            replace(
                R"("strides": [{"as_int": 16})",
                R"("strides": [{"as_int": 9223372036854775807})")}})
          .substr(0, 114),
      "data/weights/model_weights_config.json: 'blocks.0.down.weight' has "
      "sizes or strides that are negative or too large");
  EXPECT_EQ(
      complaint_about(
          "mlp", {{kWeightsTable, replace("\"head.bias\"", "\"tail.bias\"")}}),
      "models/model.json: input 9: the signature names 'head.bias', which is "
      "not in the table of weights");
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
      "a Python pickle (written by torch.save before torch 1.6), not a "
      "model; " +
          how);
  std::ofstream(path_, std::ios::binary)
      << std::string("\x80\x02\0\0\0\0\0\0{}", 10) + std::string(638, ' ');
  EXPECT_EQ(
      complaint(),
      "is not a zip archive; it must be a file written by torch.export.save, "
      "torch.jit.save or torch.save");
}

}  // namespace
}  // namespace pp
