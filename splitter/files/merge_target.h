#pragma once

#include <filesystem>

#include "loader/model/model.h"

namespace pp {

/// The extension of a file that stores a model's weights without its graph.
inline constexpr const char* kWeightsExtension = ".safetensors";

/// Refuses a target file of a merge if its name ends neither in the extension
/// of the stages' format nor in .safetensors. Also refuses to overwrite a file
/// that is neither a model nor, for .safetensors, the result of an earlier
/// merge.
///
/// format  the stages' format, which the merged model has, too
/// force   overwrite any file
/// throws  Error(Usage) naming the file
void check_merge_target(
    const std::filesystem::path& target, ModelFormat format, bool force);

}  // namespace pp
