#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "loader/ir/types.h"

namespace pp {

/// Whether convert_floats() reads this element type.
bool is_convertible_float(ir::ScalarType type);

/// Converts floating-point numbers to another type, as `Tensor.to` of torch
/// does: to the nearest value, ties to the even one. A NaN stays a NaN.
///
/// from     float16, bfloat16, float32 or float64
/// bytes    the numbers, a whole number of elements
/// to       float16, bfloat16 or float32
/// returns  as many numbers of the type `to`
std::vector<std::byte> convert_floats(
    ir::ScalarType from, std::span<const std::byte> bytes, ir::ScalarType to);

}  // namespace pp
