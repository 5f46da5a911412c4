#pragma once

#include "cli/command.h"

namespace pp::cli {

/// Runs one command line; prints its error, if any. Returns the exit code.
int run_command_line(const Invocation& with) noexcept;

}  // namespace pp::cli
