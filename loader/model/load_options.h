#pragma once

#include <optional>

#include "loader/ir/input_hints.h"

namespace pp {

/// Facts about a model that its file lacks. Only TorchScript needs them: a
/// `.pt2` file contains all of these facts.
struct LoadOptions {
  /// Sizes and types of inputs, by name. They replace those in the file.
  InputHints inputs = {};
  /// Sizes and types of inputs, used where the file states none. Hints for
  /// inputs that the model lacks are ignored.
  InputHints examples = {};
  /// The mode to load the model in: true for training, false for evaluation,
  /// nullopt for the saved mode. A script's branches on `self.training` are
  /// resolved for this mode; set_mode() sets operators' training flags later.
  std::optional<bool> training = std::nullopt;
};

}  // namespace pp
