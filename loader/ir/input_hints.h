#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/ir/types.h"

namespace pp {

/// What a user says of a model's inputs, by name, where its file does not: a
/// scripted module has no sizes.
using InputHints = std::map<std::string, ir::TensorMeta>;

/// "x=4x32", "tokens=2x16:int64"; float32 where no type is given, "x=" is a
/// tensor without dimensions.
/// throws Error(Usage): another form, an unknown type, an input named twice
InputHints parse_input_hints(const std::vector<std::string>& texts);

}  // namespace pp
