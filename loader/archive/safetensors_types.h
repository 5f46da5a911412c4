#pragma once

#include <optional>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// The format's name of a type, such as "F32". Nothing if it has none.
std::optional<std::string_view> safetensors_name(ir::ScalarType type);

/// The format has complex64 only. Tensors of other complex types are stored as
/// real ones whose last dimension, of 2, holds real and imaginary part; this
/// entry of the metadata lists their names, as a JSON array.
inline constexpr const char* kComplexNames = "pp.complex";
/// The type of a complex type's parts. Nothing for other types.
std::optional<ir::ScalarType> type_of_parts(ir::ScalarType type);
/// The complex type whose parts have this type. Nothing if there is none.
std::optional<ir::ScalarType> type_of_pairs(ir::ScalarType part);

/// The type that a name of the format stands for. Nothing if pp does not have
/// it.
std::optional<ir::ScalarType> safetensors_type(std::string_view name);

}  // namespace pp
