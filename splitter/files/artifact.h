#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include "loader/model/formats.h"
#include "loader/model/model.h"
#include "splitter/chain/assemble.h"
#include "splitter/cut/partition.h"

namespace pp {

/// Writes a stage directory: the stage files, then `source.*` without the
/// weights that stages hold, and finally `manifest.json`. The files go to a
/// temporary folder next to `directory`, which is then renamed. An older stage
/// directory is replaced; any other folder is refused (Usage).
void write_stages(
    const std::filesystem::path& directory,
    const Model& model,
    Partition partition,
    const ModelFormats& formats);

/// Opens stages that were exported by hand and chains them, see assemble(). The
/// manifest has the files' names and hashes.
/// throws Error(Input), see load_model and assemble
Assembly load_assembly(
    const std::vector<std::filesystem::path>& files,
    const ModelFormats& formats);

/// Writes a directory of stages that were exported by hand: copies of the
/// files, and a manifest that says how they are chained. There is no source.
/// files  the files of the assembly's stages, in the same order
void write_assembled(
    const std::filesystem::path& directory,
    const std::vector<std::filesystem::path>& files,
    Assembly assembly);

/// The stages of a directory, with their graphs. Weights stay on disk.
struct StageDirectory {
  std::filesystem::path path;
  Manifest manifest;
  std::vector<Model> stages;  ///< an absent stage is an empty Model
  std::set<int> absent;       ///< stages whose files are missing
};
bool is_stage_directory(const std::filesystem::path& path);

enum class Stages {
  All,
  /// Opens only the stages whose files are present: a host may have only those
  /// that it runs. Stages that were exported by hand must all be there.
  Present,
};

/// Opens a stage directory and checks the files' hashes, inputs and outputs
/// against the manifest.
/// throws Error(Input): no stage directory, or a file that doesn't match
StageDirectory open_stages(
    const std::filesystem::path& path,
    const ModelFormats& formats,
    Stages wanted = Stages::All);

/// Makes one model file of a stage directory: the source's graph with the
/// weights of the stages, or of a checkpoint (a folder of part_K.safetensors,
/// by FQN). If the file's name ends in .safetensors, it gets the weights alone;
/// see WeightsFile.
///
/// returns  the conditions on sizes that the stages check and the file doesn't:
///          those of stages that were exported by hand on what they receive
/// throws   Error(Input) naming what is missing or does not fit
std::vector<std::string> merge(
    const std::filesystem::path& stage_directory,
    const std::optional<std::filesystem::path>& checkpoint,
    const std::filesystem::path& output,
    const ModelFormats& formats);

}  // namespace pp
