#pragma once

#include <string>

#include <toml++/toml.h>

#include "runtime/job/job.h"
#include "runtime/job/keys.h"

namespace pp {

/// Checks that the keys are consistent, as far as that needs neither the model
/// nor a file.
///
/// document  the parsed job, for the places in messages
/// name      the job file's name
/// throws    Error(Usage)
void check_job(
    const Job& job, const toml::table& document, const std::string& name);

/// Part of check_job(): one of `data.inputs` or a target.
///
/// path    where the source is: {"data", "inputs", "x"}
/// inputs  all inputs of the same table
void check_source(
    const toml::table& document,
    const std::string& name,
    const KeyPath& path,
    const SourceConfig& source,
    const std::map<std::string, SourceConfig>& inputs);

}  // namespace pp
