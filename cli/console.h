#pragma once

#include <string>

namespace pp::cli {

/// Writes to standard output, with control characters shown as `\x1b`: names
/// from files are a part of most texts. If the reader has closed it, nothing is
/// written.
void print(const std::string& text);

/// Writes a text whose colors are our own.
void print_colored(const std::string& text);

/// Flushes what was written to standard output by other means.
/// throws Error(Runtime) if that fails, unless the reader has closed it
void finish_output();

/// Writes "pp: error: ..." as one line to standard error, control characters as
/// print(). If there are too few file descriptors, the line also names the
/// limit.
void print_error(const std::string& message);

}  // namespace pp::cli
