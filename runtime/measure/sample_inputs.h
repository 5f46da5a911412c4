#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"
#include "loader/model.h"

namespace pp {

/// A tensor like `meta`, from a fixed seed: normal numbers; integers are 0 or
/// 1, valid for any embedding.
at::Tensor draw_tensor(const ir::TensorMeta& meta, uint64_t seed);

/// An argument for each input of the graph: what the model was exported with
/// where its file has it, else drawn at the sizes of the export.
/// throws Error(Usage): the file says nothing of an input's sizes
std::vector<c10::IValue> sample_arguments(const Model& model);

}  // namespace pp
