#pragma once

#include <string>

#include "runtime/launch/launch.h"

namespace pp {

/// Returns a name for the place where this rank's errors are printed. The name
/// is equal for ranks that print to the same terminal, pipe or file.
std::string error_console(const EnvRanks& ranks);

}  // namespace pp
