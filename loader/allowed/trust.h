#pragma once

#include "loader/allowed/allowed_operators.h"

namespace pp {

/// How far the user trusts the files that a command reads. By default a file
/// may compute and do nothing else.
struct Trust {
  AllowedOperators operators = {};
  /// Whether a script's code may run while LibTorch reads the file
  /// (`__setstate__`).
  bool script_code = false;
};

}  // namespace pp
