#pragma once

#include <toml++/toml.h>

namespace pp {

/// Checks every key and value of a job file against job_keys().
/// throws  Error(Usage) for the error that comes first in the file: an unknown
///         key (suggests the nearest), a wrong type, a value out of range or
///         not yet supported
void validate_document(const toml::table& document);

}  // namespace pp
