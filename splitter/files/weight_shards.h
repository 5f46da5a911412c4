#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "loader/archive/safetensors.h"

namespace pp {

/// The type that all floating-point tensors will have in the files; nullopt if
/// they have several types, or if there are none.
///
/// dtype  the type to which they are converted; nullopt: they keep theirs
std::optional<ir::ScalarType> weights_dtype(
    const std::map<std::string, TensorView>& tensors,
    std::optional<ir::ScalarType> dtype);

/// Writes tensors to a folder as `save_pretrained` of `transformers` does:
/// `model.safetensors`, or `model-00001-of-00003.safetensors` and so on with an
/// index.
///
/// dtype        the type to which floating-point tensors are converted;
/// nullopt:
///              they keep theirs
/// shard_bytes  the largest shard; a larger tensor is in a shard of its own
/// throws       see write_safetensors()
void write_shards(
    const std::filesystem::path& folder,
    const std::map<std::string, TensorView>& tensors,
    std::optional<ir::ScalarType> dtype,
    uint64_t shard_bytes);

}  // namespace pp
