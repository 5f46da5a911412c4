#include <system_error>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "splitter/files/artifact.h"
#include "splitter/manifest/manifest_json.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

/// Reads the stage files. If allowed, a missing file becomes an empty model.
void load_stages(
    StageDirectory& directory,
    const ModelFormats& formats,
    bool may_be_absent) {
  for (const StageManifest& stage : directory.manifest.stages) {
    const fs::path file = directory.path / stage.file;
    std::error_code ignored;
    if (may_be_absent && !fs::exists(file, ignored)) {
      directory.absent.insert(static_cast<int>(directory.stages.size()));
      directory.stages.emplace_back();
      continue;
    }
    directory.stages.push_back(load_model(file, formats));
    const Model& model = directory.stages.back();
    if (model.archive && model.archive->content_hash() != stage.hash) {
      throw input_error(
          file.string() +
          " is not the file that manifest.json describes: it was changed or "
          "replaced; split the model again");
    }
  }
}

/// Chains stages that were exported by hand, whose files are copies of the
/// exported ones.
void chain_assembled(StageDirectory& directory) {
  Assembly assembly = assemble(std::move(directory.stages));
  for (size_t i = 0; i < assembly.stages.size(); ++i) {
    assembly.manifest.stages[i].file = directory.manifest.stages[i].file;
    assembly.manifest.stages[i].hash = directory.manifest.stages[i].hash;
  }
  directory.stages = std::move(assembly.stages);
  directory.manifest = std::move(assembly.manifest);
}

/// Checks that the inputs of a stage have the manifest's names. (Only for
/// exported programs: loading TorchScript renames values.)
void check_names(
    const fs::path& file, const Model& model, const StageManifest& stage) {
  if (model.format != ModelFormat::ExportedProgram) {
    return;
  }
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    const ir::ValueId value = model.graph.inputs[i].value;
    const std::string& name = model.graph.values.at(value).name;
    if (name != stage.inputs[i].value) {
      throw input_error(
          file.string() + " has the input '" + name +
          "' where manifest.json has '" + stage.inputs[i].value +
          "'; split the model again");
    }
  }
}

void check_stage(
    const fs::path& file, const Model& model, const StageManifest& stage) {
  if (model.graph.inputs.size() != stage.inputs.size() ||
      model.graph.outputs.size() != stage.outputs.size()) {
    throw input_error(
        file.string() + " has " + std::to_string(model.graph.inputs.size()) +
        " inputs and " + std::to_string(model.graph.outputs.size()) +
        " outputs, but manifest.json says " +
        std::to_string(stage.inputs.size()) + " and " +
        std::to_string(stage.outputs.size()) + "; split the model again");
  }
}

}  // namespace

Assembly load_assembly(
    const std::vector<fs::path>& files, const ModelFormats& formats) {
  std::vector<Model> stages;
  for (const fs::path& file : files) {
    stages.push_back(load_model(file, formats));
  }
  Assembly out = assemble(std::move(stages));
  for (size_t i = 0; i < files.size(); ++i) {
    StageManifest& stage = out.manifest.stages[i];
    stage.file = files[i].filename().string();
    stage.hash = out.stages[i].archive->content_hash();
  }
  return out;
}

bool is_stage_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / kManifestFile, ignored);
}

Manifest read_manifest(const fs::path& stage_directory) {
  const fs::path path = stage_directory / kManifestFile;
  if (!is_stage_directory(stage_directory)) {
    throw input_error(
        stage_directory.string() + ": not a stage directory: there is no " +
        std::string(kManifestFile) + "; 'pp split' makes one");
  }
  return parse_manifest(read_file(path), path.string());
}

StageDirectory open_stages(
    const fs::path& path, const ModelFormats& formats, Stages wanted) {
  StageDirectory out{path, read_manifest(path), {}, {}};
  const bool by_hand = out.manifest.is_assembled();
  // Chaining stages that were exported by hand needs all of them.
  load_stages(out, formats, wanted == Stages::Present && !by_hand);
  if (by_hand) {
    chain_assembled(out);
  }
  for (size_t i = 0; i < out.stages.size(); ++i) {
    if (out.absent.contains(static_cast<int>(i))) {
      continue;
    }
    const StageManifest& stage = out.manifest.stages[i];
    check_stage(path / stage.file, out.stages[i], stage);
    if (!by_hand) {
      check_names(path / stage.file, out.stages[i], stage);
    }
  }
  return out;
}

}  // namespace pp
