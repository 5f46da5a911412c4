#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "loader/ir/graph.h"

// Converts graphs and tensors from single to double precision, to distinguish
// rounding errors from real differences.

namespace pp {

/// Returns double for float, complex128 for complex64, and any other type
/// unchanged.
ir::ScalarType in_double(ir::ScalarType type);
/// Converts a tensor to the type that in_double() gives for its type. The
/// result requires a gradient if `tensor` does.
at::Tensor in_double(const at::Tensor& tensor);

/// Returns why a graph has no equivalent in double precision; empty if it has
/// one. A graph with half precision has none, because a missing conversion to
/// half precision would go unnoticed in double.
std::string obstacle_to_double(const ir::Graph& graph);

/// Makes a graph compute in double precision what it computes in single
/// precision. Replaces the types of values, arguments that name a type, and the
/// results of operators that choose float themselves, such as ones and the
/// quotient of integers.
void set_double(ir::Graph& graph);

}  // namespace pp
