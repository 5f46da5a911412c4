#pragma once

#include <string>
#include <vector>

#include "runtime/job/schema.h"

namespace pp {

/// A key of a job file as its parts: {"data", "inputs", "x", "path"}.
using KeyPath = std::vector<std::string>;

/// Returns the key as text, "data.inputs.x.path".
std::string path_text(const KeyPath& path);

/// Returns the key's row in job_keys(); null if it has none.
const JobKey* try_find_key(const KeyPath& path);

/// Whether `path` names a table that has keys.
bool is_table(const KeyPath& path);

/// Returns a suggestion such as "; did you mean 'train.steps'?" with the keys
/// nearest to an unknown one. It looks first for a name that other tools use
/// ("learning_rate"), then in the key's own table, then in all tables.
std::string nearest_keys(const KeyPath& unknown);

}  // namespace pp
