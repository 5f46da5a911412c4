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
/// weights that stages hold, and finally `manifest.json`. All files go to a
/// temporary folder, which is then renamed to `directory`. An existing stage
/// directory is replaced.
/// throws  Error(Usage): `directory` exists and is not a stage directory
void write_stages(
    const std::filesystem::path& directory,
    const Model& model,
    Partition partition,
    const ModelFormats& formats);

/// Opens stages that were exported by hand and chains them, see assemble(). The
/// manifest of the result has the files' names and hashes.
/// throws  Error(Input), see load_model() and assemble()
Assembly load_assembly(
    const std::vector<std::filesystem::path>& files,
    const ModelFormats& formats);

/// Writes a stage directory for stages that were exported by hand: copies of
/// the files, and a manifest that says how the stages are chained. Such a
/// directory has no source.
/// files  the files of the assembly's stages, in the same order
void write_assembled(
    const std::filesystem::path& directory,
    const std::vector<std::filesystem::path>& files,
    Assembly assembly);

/// An opened stage directory, with the stages' graphs. Weights stay on disk.
struct StageDirectory {
  std::filesystem::path path;
  Manifest manifest;
  std::vector<Model> stages;  ///< an empty Model for an absent stage
  std::set<int> absent;       ///< indices of stages whose files are missing
};
bool is_stage_directory(const std::filesystem::path& path);

enum class Stages {
  All,
  /// Opens the stages whose files are present: a host may have only the stages
  /// that it runs. Stages that were exported by hand must all be present.
  Present,
};

/// Opens a stage directory and checks the files' hashes, inputs and outputs
/// against the manifest.
/// throws  Error(Input): `path` is no stage directory, or a file doesn't match
///         the manifest
StageDirectory open_stages(
    const std::filesystem::path& path,
    const ModelFormats& formats,
    Stages wanted = Stages::All);

/// Which tensors of a checkpoint are a model's weights.
enum class CheckpointWeights {
  Parameters,
  Averages  ///< the moving averages of the parameters, where there are some
};

/// Merges a stage directory into one model file: the source's graph with the
/// weights of the stages or of a checkpoint (a folder of part_K.safetensors
/// files, whose tensors are named by FQN). If the name of `output` ends in
/// .safetensors, the file gets only the weights; see WeightsFile.
///
/// checkpoint  the folder of the checkpoint; nullopt: the stages' own weights
/// returns     size conditions that the stages check but the merged file can't
///             state, one text each; empty if there are none. Example: one on
///             a value that a stage exported by hand sends to another stage
/// throws      Error(Input) naming what is missing or doesn't fit, such as
///             averages that the checkpoint doesn't have
///             Error(Usage): `output` is in the stage directory; or averages of
///             stages that were exported by hand
std::vector<std::string> merge(
    const std::filesystem::path& stage_directory,
    const std::optional<std::filesystem::path>& checkpoint,
    const std::filesystem::path& output,
    const ModelFormats& formats,
    CheckpointWeights weights = CheckpointWeights::Parameters);

}  // namespace pp
