#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"
#include "loader/model/model.h"

namespace pp {

/// Makes a tensor with the type and sizes of `meta` from a fixed seed.
/// Floating-point numbers are normally distributed; integers are 0 or 1, which
/// any embedding accepts.
at::Tensor draw_tensor(const ir::TensorMeta& meta, uint64_t seed);

/// Returns an argument for each input of the graph: the one with which the
/// model was exported if the file has it, otherwise a random one of the
/// exported sizes.
///
/// throws  Error(Usage): the file doesn't state an input's sizes
std::vector<c10::IValue> sample_arguments(const Model& model);

}  // namespace pp
