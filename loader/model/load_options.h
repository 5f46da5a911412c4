#pragma once

#include <optional>

#include "loader/ir/input_hints.h"

namespace pp {

/// Facts about a model that its file lacks. Only TorchScript needs them: a
/// `.pt2` contains all of this.
struct LoadOptions {
  /// Sizes and types of inputs, in place of what the file says.
  InputHints inputs = {};
  /// Sizes and types of inputs about which the file says nothing. Hints for
  /// other inputs are ignored.
  InputHints examples = {};
  /// The mode to run in, in place of the saved one: a script's branches on
  /// `self.training` are resolved as its modules would in that mode. If it is
  /// none, the saved mode stays. (set_mode() sets the flags of operators.)
  std::optional<bool> training = std::nullopt;
};

}  // namespace pp
