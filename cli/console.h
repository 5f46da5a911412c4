#pragma once

#include <string>

namespace pp::cli {

/// Writes to standard output; stops quietly when the reader has gone.
void print(const std::string& text);

/// "pp: error: ..." in one line on standard error.
void print_error(const std::string& message);

}  // namespace pp::cli
