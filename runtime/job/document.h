#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "runtime/job/keys.h"

namespace pp {

/// A job file as TOML, with `--set` arguments laid over it. Every key and value
/// knows the place it came from.
///
/// name    stands for the file in messages
/// throws  Error(Usage): not TOML, a key given twice (line and column)
toml::table parse_document(
    std::string_view text,
    const std::string& name,
    const std::vector<std::string>& overrides);

/// "job.toml:12:5: " or "--set train.steps=x: "
std::string place_text(const toml::source_region& source);

/// The place of the deepest part of `path` that the document has; the file's
/// name where it has none.
std::string place_of(
    const toml::table& document, const KeyPath& path, const std::string& name);

/// A value as it would stand in a file: `"cuda"`, `[1, 2]`.
std::string value_text(const toml::node& value);

}  // namespace pp
