#pragma once

#include <optional>

#include "loader/ir/input_hints.h"

namespace pp {

/// What is known of a model beside its file. Of use for TorchScript: a `.pt2`
/// says all of this itself.
struct LoadOptions {
  /// What inputs are like, in place of what the file says.
  InputHints inputs = {};
  /// What inputs are like that the file says nothing of; others are passed
  /// over.
  InputHints examples = {};
  /// The mode to run in, whatever the saved one is: a script's branches on
  /// `self.training` are taken as its modules would in it. None: as saved.
  /// (Flags of operators are for set_mode().)
  std::optional<bool> training = std::nullopt;
};

}  // namespace pp
