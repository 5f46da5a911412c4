#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "loader/ir/graph.h"

// Running a graph of single precision in double precision, to tell rounding
// from a real difference.

namespace pp {

/// double for float, complex128 for complex64; any other type stays.
ir::ScalarType in_double(ir::ScalarType type);
/// Converts a tensor likewise; it requires a gradient if the given one does.
at::Tensor in_double(const at::Tensor& tensor);

/// Says why a graph has no equivalent in double precision; empty if it has one.
/// Half precision is part of what a model computes: in double, a conversion to
/// it that is missing would go unnoticed.
std::string obstacle_to_double(const ir::Graph& graph);

/// Makes a graph compute in double precision what it computes in single
/// precision: types of values, arguments that name a type, and results of
/// operators that choose float themselves, such as ones and the quotient of
/// integers.
void set_double(ir::Graph& graph);

}  // namespace pp
