#pragma once

#include <string>

namespace pp::cli {

/// Writes to standard output, with control characters shown as `\x1b`, because
/// most texts contain names from files. Writes nothing once the reader has
/// closed the output.
void print(const std::string& text);

/// Writes a text that contains our own colour codes, which stay as they are.
void print_colored(const std::string& text);

/// Flushes what other code wrote to standard output.
/// throws Error(Runtime) if that fails, unless the reader has closed the output
void finish_output();

/// Writes "pp: error: ..." to standard error as one line; shows control
/// characters as print() does. If the process has run out of file descriptors,
/// the line also names the limit.
void print_error(const std::string& message);

}  // namespace pp::cli
