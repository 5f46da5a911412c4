#pragma once

#include <optional>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// "F32" and the like; null for a type the format has no name for.
std::optional<std::string_view> safetensors_name(ir::ScalarType type);
/// The reverse; null for a name that pp has no type for.
std::optional<ir::ScalarType> safetensors_type(std::string_view name);

}  // namespace pp
