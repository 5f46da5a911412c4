#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/ir/types.h"

namespace pp {

/// Types and sizes of a model's inputs, by name. A user states them where the
/// file doesn't: a scripted module has no sizes.
using InputHints = std::map<std::string, ir::TensorMeta>;

/// Parses "x=4x32", "tokens=2x16:int64". The type defaults to float32; "x=" is
/// a tensor without dimensions.
/// throws Error(Usage): wrong syntax, an unknown type, an input given twice
InputHints parse_input_hints(const std::vector<std::string>& texts);

}  // namespace pp
