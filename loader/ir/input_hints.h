#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/ir/types.h"

namespace pp {

/// Types and sizes of a model's inputs, by name. The user states them if the
/// file doesn't: TorchScript files don't record the sizes of inputs.
using InputHints = std::map<std::string, ir::TensorMeta>;

/// Parses hints such as "x=4x32" and "tokens=2x16:int64". The type defaults to
/// float32; "x=" is a tensor without dimensions.
/// throws  Error(Usage): wrong syntax, an unknown type, an input that is given
///         twice
InputHints parse_input_hints(const std::vector<std::string>& texts);

}  // namespace pp
