#pragma once

#include <string>

#include <toml++/toml.h>

#include "runtime/job/job.h"
#include "runtime/job/keys.h"

namespace pp {

/// Checks that the keys of a job are consistent with each other. Reads neither
/// the model nor any other file.
///
/// document  the parsed job, from which messages get line and column
/// name      the job file's name in messages
/// throws    Error(Usage): keys contradict each other
void check_job(
    const Job& job, const toml::table& document, const std::string& name);

/// The part of check_job() that checks `[train]`.
void check_train(
    const Job& job, const toml::table& document, const std::string& name);

/// The part of check_job() that checks one entry of `data.inputs` or a target.
///
/// path    the source's key: {"data", "inputs", "x"}
/// inputs  all inputs of the table that holds the source
void check_source(
    const toml::table& document,
    const std::string& name,
    const KeyPath& path,
    const SourceConfig& source,
    const std::map<std::string, SourceConfig>& inputs);

}  // namespace pp
