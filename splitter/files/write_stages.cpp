#include <algorithm>
#include <string>

#include "loader/archive/atomic_file.h"
#include "loader/archive/leftovers.h"
#include "loader/core/error.h"
#include "splitter/files/artifact.h"
#include "splitter/files/replace_folder.h"
#include "splitter/files/source_archive.h"
#include "splitter/manifest/manifest_json.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// Whether a file has a name that a stage directory uses.
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
        " is a file, not a folder; name a folder that does not exist yet");
  }
  const bool replaceable =
      fs::is_empty(directory) ||
      (is_stage_directory(directory) &&
       std::ranges::all_of(fs::directory_iterator(directory), is_ours));
  if (!replaceable) {
    throw usage_error(
        directory.string() +
        " holds files other than stages, so nothing is written to it; name a "
        "folder that does not exist yet");
  }
}

std::string stage_file(size_t index, ModelFormat format) {
  return "stage_" + std::to_string(index) + std::string(extension_of(format));
}

void write_files(
    const fs::path& folder,
    const Model& model,
    Partition& partition,
    const ModelFormats& formats) {
  Manifest& manifest = partition.manifest;
  for (size_t i = 0; i < partition.stages.size(); ++i) {
    StageManifest& stage = manifest.stages[i];
    stage.file = stage_file(i, model.format);
    const fs::path path = folder / stage.file;
    const bool last = i + 1 == partition.stages.size();
    write_graph(path, partition.stages[i], model, last, Sync::Later, formats);
    stage.hash = ZipReader(path).content_hash();
  }
  manifest.format = model.format;
  manifest.source_file = "source" + std::string(extension_of(model.format));
  manifest.source_hash = model.archive->content_hash();
  write_source(folder / manifest.source_file, model);
  write_file(folder / kManifestFile, to_json(manifest));
}

void copy_files(
    const fs::path& folder,
    const std::vector<fs::path>& files,
    Assembly& assembly) {
  for (size_t i = 0; i < files.size(); ++i) {
    StageManifest& stage = assembly.manifest.stages[i];
    stage.file = stage_file(i, assembly.stages[i].format);
    fs::copy_file(files[i], folder / stage.file);
  }
  write_file(folder / kManifestFile, to_json(assembly.manifest));
}

}  // namespace

void write_stages(
    const fs::path& directory,
    const Model& model,
    Partition partition,
    const ModelFormats& formats) {
  check(model.archive != nullptr, "a model to split has an archive");
  replace_folder(directory, [&](const fs::path& folder) {
    refuse_foreign_folder(output_path(directory));
    write_files(folder, model, partition, formats);
  });
}

void write_assembled(
    const fs::path& directory,
    const std::vector<fs::path>& files,
    Assembly assembly) {
  check(files.size() == assembly.stages.size(), "each stage has a file");
  replace_folder(directory, [&](const fs::path& folder) {
    refuse_foreign_folder(output_path(directory));
    copy_files(folder, files, assembly);
  });
}

}  // namespace pp
