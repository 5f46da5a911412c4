#pragma once

#include <string>

namespace pp::cli {

/// Writes to standard output; stops quietly when the reader has gone.
void print(const std::string& text);

/// What was written to standard output by other means has arrived there.
/// throws Error(Runtime): it has not, and its reader is still there
void finish_output();

/// "pp: error: ..." in one line on standard error.
void print_error(const std::string& message);

}  // namespace pp::cli
