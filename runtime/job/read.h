#pragma once

#include <filesystem>

#include <toml++/toml.h>

#include "runtime/job/job.h"

namespace pp {

/// Reads a validated document; relative paths start from `folder`.
Job read_job(const toml::table& document, const std::filesystem::path& folder);

}  // namespace pp
