#include "splitter/artifact.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/leftovers.h"
#include "loader/archive/sync.h"
#include "loader/core/error.h"
#include "loader/formats/exported_program.h"
#include "loader/formats/torchscript.h"
#include "loader/model_loader.h"
#include "splitter/join_stages.h"
#include "splitter/manifest_json.h"
#include "splitter/source_archive.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// How stages of one format are written.
struct StageFormat {
  ModelFormat format;
  const char* extension;
  void (*write)(
      const fs::path& path,
      const ir::Graph& graph,
      const Model& source,
      bool whole_output,
      Sync sync);
};

void write_exported_stage(
    const fs::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync) {
  write_exported_program(
      path,
      graph,
      source,
      whole_output ? OutputTree::Source : OutputTree::Tuple,
      sync);
}

// One row a format.
constexpr std::array kFormats{
    StageFormat{ModelFormat::ExportedProgram, ".pt2", write_exported_stage},
    StageFormat{ModelFormat::TorchScript, ".pt", write_torchscript},
};

const StageFormat& format_of(const Model& model) {
  const auto found =
      std::ranges::find(kFormats, model.format, &StageFormat::format);
  check(found != kFormats.end(), "every format has a row");
  return *found;
}

/// A folder that is removed again unless it is moved into place.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Whether a file has a name that write_all gives.
bool is_ours(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  return name == kManifestFile || name.starts_with("stage_") ||
         name == "source.pt2" || name == "source.pt";
}

void refuse_foreign_folder(const fs::path& directory) {
  if (!fs::exists(directory)) {
    return;
  }
  if (!fs::is_directory(directory)) {
    throw usage_error(
        directory.string() +
        " is a file; name a folder for the stages that does not exist yet");
  }
  const bool replaceable =
      fs::is_empty(directory) ||
      (is_stage_directory(directory) &&
       std::ranges::all_of(fs::directory_iterator(directory), is_ours));
  if (!replaceable) {
    throw usage_error(
        directory.string() +
        " holds other things than stages and is left alone; name a folder "
        "that does not exist yet");
  }
}

/// Renames `fresh` to `directory`; what is there takes its place, or is
/// removed.
void move_into_place(const fs::path& fresh, const fs::path& directory) {
  if (!fs::exists(directory)) {
    fs::rename(fresh, directory);
    return;
  }
  // At once where the file system can, so that there is always one of them.
  if (::renameat2(
          AT_FDCWD,
          fresh.c_str(),
          AT_FDCWD,
          directory.c_str(),
          RENAME_EXCHANGE) == 0) {
    return;
  }
  const TemporaryFolder aside(fresh.string() + ".old");
  fs::rename(directory, aside.path() / "stages");
  fs::rename(fresh, directory);
}

/// The manifest's values are those of the file. (TorchScript names values
/// anew on loading.)
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
          file.string() + " takes '" + name + "' where manifest.json says '" +
          stage.inputs[i].value + "'; split the model again");
    }
  }
}

void write_all(
    const fs::path& folder, const Model& model, Partition& partition) {
  const StageFormat& format = format_of(model);
  Manifest& manifest = partition.manifest;
  for (size_t i = 0; i < partition.stages.size(); ++i) {
    StageManifest& stage = manifest.stages[i];
    stage.file = "stage_" + std::to_string(i) + format.extension;
    const fs::path path = folder / stage.file;
    const bool last = i + 1 == partition.stages.size();
    format.write(path, partition.stages[i], model, last, Sync::Later);
    stage.hash = ZipReader(path).content_hash();
  }
  manifest.format = model.format;
  manifest.source_file = std::string("source") + format.extension;
  manifest.source_hash = model.archive->content_hash();
  write_source(folder / manifest.source_file, model);
  write_file(folder / kManifestFile, to_json(manifest));
}

void copy_all(
    const fs::path& folder,
    const std::vector<fs::path>& files,
    Manifest& manifest) {
  for (size_t i = 0; i < files.size(); ++i) {
    StageManifest& stage = manifest.stages[i];
    const ZipReader archive(files[i]);
    stage.file = "stage_" + std::to_string(i) +
                 (is_exported_program(archive) ? ".pt2" : ".pt");
    stage.hash = archive.content_hash();
    fs::copy_file(files[i], folder / stage.file);
  }
  write_file(folder / kManifestFile, to_json(manifest));
}

/// Fills a folder that then takes the place of `directory`.
template <typename Fill>
void replace_folder(const fs::path& directory, const Fill& fill) {
  try {
    const fs::path target = output_path(directory);
    refuse_foreign_folder(target);
    remove_leftovers(target, LeftBy::DeadProcesses);
    const TemporaryFolder fresh(
        target.parent_path() /
        ("." + target.filename().string() + ".pp-" + std::to_string(getpid())));
    fill(fresh.path());
    sync_all(fresh.path());
    move_into_place(fresh.path(), target);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write stages to " + directory.string() + ": " +
        error.code().message());
  }
}

}  // namespace

void write_stages(
    const fs::path& directory, const Model& model, Partition partition) {
  check(model.archive != nullptr, "a model to split has an archive");
  format_of(model);
  replace_folder(directory, [&](const fs::path& folder) {
    write_all(folder, model, partition);
  });
}

void write_model(const fs::path& path, const Model& model) {
  format_of(model).write(
      path, model.graph, model, /*whole_output=*/true, Sync::Now);
}

void write_joined(const fs::path& path, const JoinedStages& joined) {
  format_of(joined.source)
      .write(path, joined.graph, joined.source, joined.whole_output, Sync::Now);
}

Assembly load_assembly(const std::vector<fs::path>& files) {
  std::vector<Model> stages;
  for (const fs::path& file : files) {
    stages.push_back(load_model(file));
  }
  Assembly out = assemble(std::move(stages));
  for (size_t i = 0; i < files.size(); ++i) {
    StageManifest& stage = out.manifest.stages[i];
    stage.file = files[i].filename().string();
    stage.hash = out.stages[i].archive->content_hash();
  }
  return out;
}

void write_assembled(
    const fs::path& directory,
    const std::vector<fs::path>& files,
    Manifest manifest) {
  check(files.size() == manifest.stages.size(), "a file for each stage");
  replace_folder(directory, [&](const fs::path& folder) {
    copy_all(folder, files, manifest);
  });
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

StageDirectory open_stages(const fs::path& path, Stages wanted) {
  StageDirectory out;
  out.path = path;
  out.manifest = read_manifest(path);
  // To chain stages that were made by hand takes all of them.
  const bool may_lack =
      wanted == Stages::ThoseThatAreThere && !out.manifest.is_assembled();
  for (const StageManifest& stage : out.manifest.stages) {
    const fs::path file = path / stage.file;
    std::error_code ignored;
    if (may_lack && !fs::exists(file, ignored)) {
      out.absent.insert(static_cast<int>(out.stages.size()));
      out.stages.emplace_back();
      continue;
    }
    out.stages.push_back(load_model(file));
    const Model& model = out.stages.back();
    if (model.archive && model.archive->content_hash() != stage.hash) {
      throw input_error(
          file.string() +
          " is not the file that manifest.json describes: it was changed or "
          "replaced; split the model again");
    }
  }
  if (out.manifest.is_assembled()) {
    // The files are as they were exported: they are chained anew.
    Assembly assembly = assemble(std::move(out.stages));
    out.stages = std::move(assembly.stages);
    for (size_t i = 0; i < out.stages.size(); ++i) {
      assembly.manifest.stages[i].file = out.manifest.stages[i].file;
      assembly.manifest.stages[i].hash = out.manifest.stages[i].hash;
    }
    out.manifest = std::move(assembly.manifest);
  }
  for (size_t i = 0; i < out.stages.size(); ++i) {
    if (out.absent.contains(static_cast<int>(i))) {
      continue;
    }
    const StageManifest& stage = out.manifest.stages[i];
    const fs::path file = path / stage.file;
    const Model& model = out.stages[i];
    if (model.graph.inputs.size() != stage.inputs.size() ||
        model.graph.outputs.size() != stage.outputs.size()) {
      throw input_error(
          file.string() + " has " + std::to_string(model.graph.inputs.size()) +
          " inputs and " + std::to_string(model.graph.outputs.size()) +
          " outputs, and manifest.json says " +
          std::to_string(stage.inputs.size()) + " and " +
          std::to_string(stage.outputs.size()) + "; split the model again");
    }
    if (!out.manifest.source_file.empty()) {  // cut by us, not by hand
      check_names(file, model, stage);
    }
  }
  return out;
}

}  // namespace pp
