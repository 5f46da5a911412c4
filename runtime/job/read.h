#pragma once

#include <filesystem>

#include <toml++/toml.h>

#include "runtime/job/job.h"

namespace pp {

/// Converts a validated document to a Job. Relative paths start from `folder`.
Job read_job(const toml::table& document, const std::filesystem::path& folder);

}  // namespace pp
