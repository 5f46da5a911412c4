#pragma once

#include <filesystem>
#include <optional>

#include "loader/model/formats.h"
#include "splitter/files/artifact.h"
#include "splitter/files/model_folder.h"

namespace pp {

/// Writes the weights of a stage directory to a folder that `from_pretrained`
/// of `transformers` opens, see write_model_folder().
///
/// checkpoint  the folder of the checkpoint that has the values; nullopt: the
///             stages' own values
/// which       which tensors of the checkpoint are the weights
/// throws      Error(Input) naming what is missing or doesn't fit;
///             Error(Usage): `output` is in the stage directory
void merge_to_folder(
    const std::filesystem::path& stage_directory,
    const std::optional<std::filesystem::path>& checkpoint,
    const std::filesystem::path& output,
    const ModelFolderOptions& options,
    const ModelFormats& formats,
    CheckpointWeights which = CheckpointWeights::Parameters);

}  // namespace pp
