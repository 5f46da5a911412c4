#pragma once

#include <toml++/toml.h>

namespace pp {

/// Checks every key and value of a job file against the table of keys.
/// throws  Error(Usage) for the first error by line: unknown key (with the
///         nearest), wrong type, out of range, not yet supported
void validate_document(const toml::table& document);

}  // namespace pp
