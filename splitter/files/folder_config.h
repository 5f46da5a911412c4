#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "loader/ir/types.h"

namespace pp {

/// Returns the text of a model's config.json with `dtype` as the type of its
/// weights, since `from_pretrained` converts weights to the type that the
/// config names. A config that names no type, or this one, is returned as it
/// is.
///
/// dtype   nullopt: the weights have several types; the text stays as it is
/// throws  Error(Input) naming the file: it is not JSON
std::string config_with_dtype(
    const std::filesystem::path& config, std::optional<ir::ScalarType> dtype);

}  // namespace pp
