#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "loader/model.h"

namespace pp {

/// Gives a model, or the stages of one, the values of safetensors files: every
/// parameter and persistent buffer by FQN, or by one of the other names of a
/// tied one. The values stay in the files, mapped. What was exported on the
/// meta device then counts as exported on the CPU; a tie that such an export
/// hides (a parameter that no node reads) is found again from the files.
///
/// files    the last part of the path may hold `*` and `?`
/// returns  what a user should know: tensors of the files that no model has
/// throws   Error(Input), by name: no such file, a tensor that is missing, in
///          two files, of another dtype or shape, or different from another
///          one that is tied to it; a buffer without values
std::vector<std::string> bind_weights(
    std::span<Model> models, const std::filesystem::path& files);

}  // namespace pp
