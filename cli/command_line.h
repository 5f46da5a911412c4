#pragma once

#include "cli/command.h"

namespace pp::cli {

/// Runs one command line and returns the exit code. If the command fails,
/// prints the error.
int run_command_line(const Invocation& with) noexcept;

}  // namespace pp::cli
