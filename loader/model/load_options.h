#pragma once

#include <optional>

#include "loader/ir/input_hints.h"

namespace pp {

/// Facts about a model that its file lacks. Only TorchScript needs them: a
/// `.pt2` contains all of this.
struct LoadOptions {
  /// Sizes and types of inputs, which replace those in the file.
  InputHints inputs = {};
  /// Sizes and types of inputs for which the file states none. Hints for other
  /// inputs are ignored.
  InputHints examples = {};
  /// The mode to load the model in; nullopt: the saved one. A script's branches
  /// on `self.training` are resolved as its modules would in that mode.
  /// (set_mode() sets the flags of operators.)
  std::optional<bool> training = std::nullopt;
};

}  // namespace pp
