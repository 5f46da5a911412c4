#pragma once

#include <optional>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// The safetensors name of an element type, such as "F32"; nullopt if the
/// format lacks the type.
std::optional<std::string_view> safetensors_name(ir::ScalarType type);

/// Key of the metadata entry that lists, as a JSON array of names, the tensors
/// whose complex type the format lacks (every type but complex64). Such a
/// tensor is stored as a real tensor with an added last dimension of size 2
/// (real part, imaginary part).
inline constexpr const char* kComplexNames = "pp.complex";
/// The type of the real and imaginary parts of a complex type; nullopt for all
/// other types.
std::optional<ir::ScalarType> type_of_parts(ir::ScalarType type);
/// The complex type whose parts have the type `part`; nullopt if there is none.
std::optional<ir::ScalarType> type_of_pairs(ir::ScalarType part);

/// The element type that a safetensors name stands for; nullopt if pp doesn't
/// support the type.
std::optional<ir::ScalarType> safetensors_type(std::string_view name);

}  // namespace pp
