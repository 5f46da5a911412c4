#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include "loader/model.h"
#include "splitter/assemble.h"
#include "splitter/partition.h"

namespace pp {

/// Writes the stage directory: stage files, `manifest.json` (last), and
/// `source.*` without the weights that stages hold. Into a temporary folder
/// beside it, renamed into place; an older stage directory there is replaced,
/// any other folder is refused (Usage).
void write_stages(
    const std::filesystem::path& directory,
    const Model& model,
    Partition partition);

/// Writes a whole model as a file of its format, with the values its records
/// have.
void write_model(const std::filesystem::path& path, const Model& model);

/// Opens stages that were exported by hand and chains them, see assemble().
/// throws Error(Input), see load_model
Assembly load_assembly(const std::vector<std::filesystem::path>& files);

/// Writes a directory of stages that were exported by hand: the files as they
/// are, and a manifest that says how they are chained. There is no source.
/// files  of the assembly's stages, in its order
void write_assembled(
    const std::filesystem::path& directory,
    const std::vector<std::filesystem::path>& files,
    Manifest manifest);

/// The stages of a directory, graphs loaded, hashes checked against the
/// manifest. Weights stay on disk.
struct StageDirectory {
  std::filesystem::path path;
  Manifest manifest;
  std::vector<Model> stages;  ///< one that is not there is an empty Model
  std::set<int> absent;       ///< those
};
bool is_stage_directory(const std::filesystem::path& path);

enum class Stages {
  All,
  ThoseThatAreThere,  ///< of a host that runs some; not of assembled ones
};
/// throws Error(Input)
StageDirectory open_stages(
    const std::filesystem::path& path, Stages wanted = Stages::All);

/// Makes one model file again: the source's graph with the stages' weights, or
/// a checkpoint's where one is given (a folder of part_K.safetensors, by FQN).
/// throws Error(Input) naming what is missing or does not fit
void merge(
    const std::filesystem::path& stage_directory,
    const std::optional<std::filesystem::path>& checkpoint,
    const std::filesystem::path& output);

}  // namespace pp
