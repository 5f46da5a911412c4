#pragma once

#include <toml++/toml.h>

namespace pp {

/// Writes out what a job file may abbreviate, so that the rest of the program
/// sees one form:
///   loss = "mse"                a string where a table is expected, if one key
///                               of the table says what it is: its name, or the
///                               path of a source (inputs.x = "x.npy")
///   split.at = "layers.4"       a string where a list of strings is expected
///   optimizer.name = "AdamW"    another spelling of a word, see word_for()
///
/// Every value keeps its place in the file, which messages name.
void expand_shorthands(toml::table& document);

}  // namespace pp
