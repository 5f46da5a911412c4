#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pp {

/// Names of the files with weights in a folder that `save_pretrained` of
/// `transformers` writes: one file, or several with an index.
inline constexpr const char* kSingleWeights = "model.safetensors";
inline constexpr const char* kWeightsIndex = "model.safetensors.index.json";

/// The weights in a folder.
struct WeightFolder {
  std::vector<std::filesystem::path> files;  ///< sorted
  /// The file of each tensor, by the tensor's name, as the index says. Empty if
  /// the folder has a single file and no index.
  std::map<std::string, std::filesystem::path> index;
};

/// Whether a folder holds such weights. It may hold other files only.
bool has_weights(const std::filesystem::path& folder);

/// Reads which files of a folder hold its weights. If there is a single file,
/// an index is ignored, as `from_pretrained` does.
/// throws  Error(Input) naming the folder or the index: there are no weights,
///         or the index is damaged or names a file in another folder
WeightFolder read_weight_folder(const std::filesystem::path& folder);

}  // namespace pp
