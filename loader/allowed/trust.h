#pragma once

#include "loader/allowed/allowed_operators.h"

namespace pp {

/// How far the user trusts the files that a command reads. By default, a model
/// may only compute on its inputs.
struct Trust {
  AllowedOperators operators = {};
  /// Whether code in a TorchScript file (`__setstate__`) may run while LibTorch
  /// reads the file.
  bool script_code = false;
};

}  // namespace pp
