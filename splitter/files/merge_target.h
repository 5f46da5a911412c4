#pragma once

#include <filesystem>

namespace pp {

/// The extension of a file that gets a model's weights without its graph.
inline constexpr const char* kWeightsExtension = ".safetensors";

/// Refuses a file to merge into that ends in none of .pt2, .pt and
/// .safetensors, or that exists and is neither a model nor, if it ends in
/// .safetensors, written by an earlier merge.
///
/// force   overwrite any file
/// throws  Error(Usage) naming the file
void check_merge_target(const std::filesystem::path& target, bool force);

}  // namespace pp
