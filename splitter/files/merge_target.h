#pragma once

#include <filesystem>

#include "loader/model/model.h"

namespace pp {

/// The extension of a file that stores a model's weights without its graph.
inline constexpr const char* kWeightsExtension = ".safetensors";

/// Checks the target file of a merge. Its name must end in the extension of the
/// stages' format or in .safetensors. If the file exists, it must be a model
/// or, for .safetensors, the result of an earlier merge, because it will be
/// overwritten.
///
/// format  the stages' format, which the merged model has, too
/// force   overwrite any file
/// throws  Error(Usage) naming the file
void check_merge_target(
    const std::filesystem::path& target, ModelFormat format, bool force);

}  // namespace pp
