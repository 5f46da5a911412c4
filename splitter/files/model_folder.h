#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "loader/ir/types.h"
#include "splitter/files/weights_file.h"

namespace pp {

/// Largest shard of weights by default, in bytes.
inline constexpr uint64_t kDefaultShardBytes = 5'000'000'000;

/// The types to which weights can be converted, by the words of `pp merge
/// --dtype`.
struct FolderType {
  std::string_view word;
  ir::ScalarType type;
};
inline constexpr std::array kFolderTypes{
    FolderType{"bf16", ir::ScalarType::BFloat16},
    FolderType{"fp16", ir::ScalarType::Half},
    FolderType{"fp32", ir::ScalarType::Float},
};

struct ModelFolderOptions {
  /// The folder of the model as `transformers` knows it, with its config.json.
  std::filesystem::path source;
  /// The type to which floating-point weights are converted, one of
  /// kFolderTypes. nullopt: each weight keeps its type.
  std::optional<ir::ScalarType> dtype;
  /// Largest shard in bytes. A larger weight is in a shard of its own.
  uint64_t shard_bytes = kDefaultShardBytes;
};

/// Checks the target of write_model_folder() before anything is read. If the
/// folder exists, it must be empty or hold the result of an earlier merge,
/// because it will be replaced.
///
/// force   replace any folder
/// throws  Error(Usage) naming the target: it can't be replaced, or is the
///         source itself; Error(Input): the source has no config.json
void check_model_folder(
    const std::filesystem::path& target,
    const std::filesystem::path& source,
    bool force);

/// Writes a folder that `from_pretrained` of `transformers` opens: the weights
/// in safetensors files, with an index if there are several, and copies of the
/// source's config, tokenizer and similar files. The weights have the names
/// that the source's weights have, if these have all of them; otherwise the
/// names in the model's state_dict. A tied parameter is stored once. The config
/// names the type of the weights. Needs as much memory as a shard if weights
/// are converted.
///
/// throws  Error(Input): the source is damaged, or its weights have other
/// sizes;
///         Error(Runtime) naming the target and the system's reason
void write_model_folder(
    const std::filesystem::path& target,
    const WeightsFile& weights,
    const ModelFolderOptions& options);

}  // namespace pp
