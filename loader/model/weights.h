#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "loader/model/model.h"

namespace pp {

/// Binds a model, or all stages of a model, to the values in safetensors files.
/// Every parameter and persistent buffer is looked up by its FQN, or, if it is
/// a tied parameter, by one of its other names. The values are not copied: the
/// files are mapped. After binding, a model that was exported on the meta
/// device counts as exported on the CPU. An export on the meta device hides
/// ties (one of the tied parameters has no reader); the ties are recovered from
/// the files.
///
/// files    safetensors files or a folder of them, see WeightFiles
/// returns  notes for the user about tensors in the files that no model has
/// throws   Error(Input) naming the tensor: no file matches; a tensor is
///          missing, is in two files, has another dtype or shape, or differs
///          from a tensor that it is tied to; a state has no values
std::vector<std::string> bind_weights(
    std::span<Model> models, const std::filesystem::path& files);

}  // namespace pp
