#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "loader/model/model.h"

namespace pp {

/// Binds a model, or the stages of one, to the values in safetensors files.
/// Every parameter and persistent buffer is looked up by its FQN, or by another
/// name of a tied parameter. The values stay in the files, which are mapped.
/// Afterwards, a model that was exported on the meta device counts as exported
/// on the CPU. An export on the meta device hides ties (one of the parameters
/// has no reader); they are recovered from the files.
///
/// files    a path whose last part may contain `*` and `?`
/// returns  notes for the user: tensors in the files that no model has
/// throws   Error(Input) naming the tensor: no file matches; a tensor is
///          missing, is in two files, has another dtype or shape, or differs
///          from one that it is tied to; a buffer has no values
std::vector<std::string> bind_weights(
    std::span<Model> models, const std::filesystem::path& files);

}  // namespace pp
