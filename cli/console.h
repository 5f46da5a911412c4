#pragma once

#include <string>

namespace pp::cli {

/// Writes `text` to standard output. Control characters are shown as `\x1b` and
/// the like, because most texts contain names from files. Writes nothing once
/// the reader has closed the output.
void print(const std::string& text);

/// Writes `text`, in which pp has put colour codes, to standard output. Unlike
/// print(), leaves control characters unchanged.
void print_colored(const std::string& text);

/// Flushes standard output, including what other code has written to it.
/// throws  Error(Runtime): the flush fails. It is no error if the reader has
///         closed the output
void finish_output();

/// Writes "pp: error: ..." to standard error as one line; shows control
/// characters as print() does. If the process has run out of file descriptors,
/// the line also names the limit.
void print_error(const std::string& message);

}  // namespace pp::cli
