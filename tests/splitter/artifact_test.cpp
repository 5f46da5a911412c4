#include "splitter/files/artifact.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "splitter/files/source_archive.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class Artifact : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path source = test::fixture_folder() / "mlp-plain.pt2";
    if (!fs::exists(source)) {
      GTEST_SKIP() << source << " is not there; build the target 'fixtures'";
    }
    std::string name = (fs::temp_directory_path() / "pp_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    model_ = load_model(source);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& directory, const char* at = "layers.2") {
    SplitSpec spec;
    spec.at = {parse_split_point(at)};
    write_stages(directory, model_, partition(model_, spec), model_formats());
  }

  template <typename Action>
  std::string error(ErrorKind kind, const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    return "no error";
  }

  std::vector<std::string> files(const fs::path& directory) {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory)) {
      out.push_back(entry.path().filename().string());
    }
    return out;
  }

  /// The tensors of a checkpoint: all parameters and persistent buffers.
  std::map<std::string, TensorView> checkpoint() {
    std::map<std::string, TensorView> out;
    for (const ir::State& state : model_.graph.states) {
      const StateRecord& record = model_.records.at(state.fqn);
      TensorView view;
      view.dtype = record.tensor.dtype;
      for (const ir::Dim& dim : record.tensor.sizes) {
        view.sizes.push_back(dim.value);
      }
      payloads_.emplace_back(ir::num_bytes(record.tensor), std::byte{1});
      view.bytes = payloads_.back();
      out[state.fqn] = view;
    }
    return out;
  }

  std::string merge_error(const std::map<std::string, TensorView>& tensors) {
    write(folder_ / "stages");
    fs::create_directory(folder_ / "step_1");
    write_safetensors(folder_ / "step_1" / "part_0.safetensors", tensors);
    const std::string what = error(
        ErrorKind::Input, [&] { merge_stages(folder_ / "step_1", "out.pt2"); });
    EXPECT_FALSE(fs::exists(folder_ / "out.pt2"));
    return what;
  }

  StageDirectory open(const fs::path& name, Stages wanted = Stages::All) {
    return open_stages(folder_ / name, model_formats(), wanted);
  }

  void merge_stages(
      const std::optional<fs::path>& checkpoint, const fs::path& output) {
    merge(folder_ / "stages", checkpoint, folder_ / output, model_formats());
  }

  fs::path folder_;
  Model model_;
  std::vector<std::vector<std::byte>> payloads_;
};

TEST_F(Artifact, HoldsStagesManifestAndSource) {
  write(folder_ / "stages");
  EXPECT_THAT(
      files(folder_ / "stages"),
      UnorderedElementsAre(
          "manifest.json", "source.pt2", "stage_0.pt2", "stage_1.pt2"));
  EXPECT_THAT(files(folder_), UnorderedElementsAre("stages"));
  const StageDirectory stages = open("stages");
  ASSERT_EQ(stages.stages.size(), 2);
  EXPECT_EQ(stages.manifest.source_hash, model_.archive->content_hash());
  EXPECT_EQ(stages.manifest.cuts.front(), "layers.2");
  const ZipReader source(folder_ / "stages" / "source.pt2");
  for (const auto& [fqn, record] : model_.records) {
    EXPECT_FALSE(source.has(record.record)) << fqn;
  }
}

TEST_F(Artifact, ReplacesStagesAndNothingElse) {
  write(folder_ / "stages/", "layers.1");
  write(folder_ / "stages", "layers.2");
  EXPECT_EQ(open("stages").manifest.cuts.front(), "layers.2");
  fs::create_directory(folder_ / "empty");
  write(folder_ / "empty");
  EXPECT_TRUE(is_stage_directory(folder_ / "empty"));

  fs::create_directory(folder_ / "mine");
  write_file(folder_ / "mine" / "thesis.txt", "years of work");
  EXPECT_THAT(
      error(ErrorKind::Usage, [&] { write(folder_ / "mine"); }),
      HasSubstr("holds files other than stages, so nothing is written to it"));
  EXPECT_THAT(files(folder_ / "mine"), UnorderedElementsAre("thesis.txt"));
  write_file(folder_ / "file", "");
  EXPECT_THAT(
      error(ErrorKind::Usage, [&] { write(folder_ / "file"); }),
      HasSubstr("is a file"));
}

TEST_F(Artifact, LeavesNoFilesWhenItFails) {
  Partition parts = partition(model_, {});
  parts.stages[0].states[0].fqn = "not.in.the.source";
  EXPECT_ANY_THROW(
      write_stages(folder_ / "stages", model_, parts, model_formats()));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Artifact, DetectsAStageThatWasReplaced) {
  write(folder_ / "a", "layers.1");
  write(folder_ / "b", "layers.2");
  fs::copy_file(
      folder_ / "a" / "stage_1.pt2",
      folder_ / "b" / "stage_1.pt2",
      fs::copy_options::overwrite_existing);
  EXPECT_THAT(
      error(ErrorKind::Input, [&] { open("b"); }),
      AllOf(HasSubstr("stage_1.pt2"), HasSubstr("changed or replaced")));
  fs::remove(folder_ / "a" / "stage_0.pt2");
  EXPECT_THAT(
      error(ErrorKind::Input, [&] { open("a"); }), HasSubstr("stage_0.pt2"));
  EXPECT_THAT(
      error(ErrorKind::Input, [&] { open("nowhere"); }), HasSubstr("nowhere"));
}

TEST_F(Artifact, OpensOnlyTheStagesThatArePresent) {
  write(folder_ / "stages");
  fs::remove(folder_ / "stages" / "stage_0.pt2");
  const StageDirectory stages = open("stages", Stages::Present);
  EXPECT_EQ(stages.absent, std::set<int>{0});
  ASSERT_EQ(stages.stages.size(), 2);
  EXPECT_TRUE(stages.stages[0].graph.states.empty());
  EXPECT_FALSE(stages.stages[1].graph.states.empty());
  EXPECT_EQ(stages.manifest.stages.size(), 2);
}

TEST_F(Artifact, MergesBackIntoItsSource) {
  write(folder_ / "stages");
  merge_stages(std::nullopt, "out.pt2");
  EXPECT_EQ(
      ZipReader(folder_ / "out.pt2").content_hash(),
      model_.archive->content_hash());
}

TEST_F(Artifact, MergesACheckpointByName) {
  write(folder_ / "stages");
  fs::create_directory(folder_ / "step_1");
  auto tensors = checkpoint();
  TensorView moment;
  moment.sizes = {0};
  tensors["optimizer.exp_avg.head.weight"] = moment;
  write_safetensors(folder_ / "step_1" / "part_0.safetensors", tensors);
  merge_stages(folder_ / "step_1", "out.pt2");
  const Model merged = load_model(folder_ / "out.pt2");
  for (const auto& [fqn, record] : merged.records) {
    const auto bytes =
        merged.archive->bytes(merged.archive->find(record.record));
    EXPECT_EQ(bytes.front(), std::byte{1}) << fqn;
    EXPECT_EQ(bytes.back(), std::byte{1}) << fqn;
  }
}

TEST_F(Artifact, RefusesACheckpointThatDoesNotFit) {
  auto tensors = checkpoint();
  const auto first = tensors.begin()->first;
  auto missing = tensors;
  missing.erase(first);
  EXPECT_THAT(
      merge_error(missing),
      HasSubstr("step_1: tensor '" + first + "' is missing"));
  auto other = tensors;
  other[first].dtype = ir::ScalarType::Int;
  EXPECT_THAT(
      error(
          ErrorKind::Input,
          [&] {
            write_safetensors(folder_ / "step_1" / "part_0.safetensors", other);
            merge_stages(folder_ / "step_1", "o.pt2");
          }),
      AllOf(HasSubstr("is int32["), HasSubstr("the model has float32[")));
  EXPECT_THAT(
      error(
          ErrorKind::Input, [&] { merge_stages(folder_ / "stages", "o.pt2"); }),
      HasSubstr("not a checkpoint: there is no state.json"));
}

TEST_F(Artifact, RefusesADamagedSourceIndex) {
  const auto index_error = [&](const std::string& json) {
    const fs::path path = folder_ / "source.pt2";
    ZipWriter writer(path, "source");
    writer.add(kSourceIndexRecord, std::string_view(json));
    writer.finish();
    return error(ErrorKind::Input, [&] { read_source_index(ZipReader(path)); });
  };
  EXPECT_THAT(index_error("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(
      index_error(R"({"version": 3, "records": []})"),
      HasSubstr("version: is 3, but this pp reads versions up to 2; use a "
                "newer pp"));
  EXPECT_THAT(index_error("[]"), HasSubstr("lists no records"));
  EXPECT_THAT(
      index_error(R"([{"name": "data/weights/weight_0", "num_bytes": 8,
        "states": [{"fqn": "w", "aliases": [], "in_checkpoints": true,
        "dtype": "float32", "shape": [3], "strides": [1], "offset": 0}]}])"),
      HasSubstr("'w' does not fit into record 'data/weights/weight_0'"));
  EXPECT_THAT(
      index_error(R"([{"name": "x", "num_bytes": 8, "states": [{"fqn": "w",
        "aliases": [], "in_checkpoints": true, "dtype": "float32",
        "shape": [3, 4611686018427387904], "strides": [4611686018427387904, 4],
        "offset": 0}]}])"),
      HasSubstr("does not fit"));
}

}  // namespace
}  // namespace pp
