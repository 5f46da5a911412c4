#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "runtime/job/keys.h"

namespace pp {

/// Parses a job file as TOML, applies the `--set` arguments to it, and expands
/// its shorthands (expand_shorthands). Every key and value keeps the place in
/// the file, or the argument, that it came from.
///
/// name    the file's name in messages
/// throws  Error(Usage): the text isn't TOML, or a key is given twice (names
///         line and column)
toml::table parse_document(
    std::string_view text,
    const std::string& name,
    const std::vector<std::string>& overrides);

/// Returns a place as the beginning of a message: "job.toml:12:5: " or "--set
/// train.steps=x: ".
std::string place_text(const toml::source_region& source);

/// Returns the place of the deepest part of `path` that is in the document; the
/// file's name if no part is.
std::string place_of(
    const toml::table& document, const KeyPath& path, const std::string& name);

/// Returns a number as a double; nullopt if the value isn't a number. (toml++
/// gives no double for an integer that a double can't represent exactly.)
std::optional<double> try_number(const toml::node& value);

/// Returns the shortest text that reads back as the same number: "3", "0.5",
/// "1e-8".
std::string toml_number_text(double value);

/// Returns a value as a job file would write it: `"cuda"`, `[1, 2]`.
std::string value_text(const toml::node& value);

}  // namespace pp
