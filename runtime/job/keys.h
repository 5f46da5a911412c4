#pragma once

#include <string>
#include <vector>

#include "runtime/job/schema.h"

namespace pp {

/// A key of a file, by segments: {"data", "inputs", "x", "path"}.
using KeyPath = std::vector<std::string>;

/// "data.inputs.x.path"
std::string path_text(const KeyPath& path);

/// The key's row in job_keys(), or null.
const JobKey* try_find_key(const KeyPath& path);

/// Whether the path names a table that has keys.
bool is_table(const KeyPath& path);

/// "; did you mean 'train.steps'?": the keys nearest to an unknown one, first
/// among those of its own table, then among all.
std::string nearest_keys(const KeyPath& unknown);

}  // namespace pp
