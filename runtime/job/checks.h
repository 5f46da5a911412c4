#pragma once

#include <string>

#include <toml++/toml.h>

#include "runtime/job/job.h"

namespace pp {

/// What the keys say together, as far as it needs no model and no file.
///
/// document  where the job came from, for the places in messages
/// name      the job file's name
/// throws    Error(Usage)
void check_job(
    const Job& job, const toml::table& document, const std::string& name);

}  // namespace pp
