#pragma once

#include <filesystem>

namespace pp {

/// The extension of a file that stores a model's weights without its graph.
inline constexpr const char* kWeightsExtension = ".safetensors";

/// Refuses a target file of a merge if its name ends in none of .pt2, .pt and
/// .safetensors. Also refuses to overwrite a file that is neither a model nor,
/// for .safetensors, the result of an earlier merge.
///
/// force   overwrite any file
/// throws  Error(Usage) naming the file
void check_merge_target(const std::filesystem::path& target, bool force);

}  // namespace pp
