#pragma once

#include <toml++/toml.h>

namespace pp {

/// Checks every key and value of a job file against the table of keys.
/// throws  Error(Usage) for the first fault by line: unknown key (the nearest
///         offered), wrong type, out of range, not yet supported
void validate_document(const toml::table& document);

}  // namespace pp
