#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "splitter/files/artifact.h"
#include "splitter/files/weights_file.h"

namespace pp {

/// Calls `use` with the parameters and persistent buffers of a stage directory.
/// Their memory is valid only during the call.
///
/// checkpoint  the folder of the checkpoint that has the values; nullopt: the
///             stages' own values
/// which       which tensors of the checkpoint are the weights
/// throws      Error(Input) naming what is missing or doesn't fit
void with_weights(
    const StageDirectory& stages,
    const std::optional<std::filesystem::path>& checkpoint,
    const ModelFormats& formats,
    CheckpointWeights which,
    const std::function<void(const WeightsFile&)>& use);

}  // namespace pp
