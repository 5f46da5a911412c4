#pragma once

#include <filesystem>

#include <toml++/toml.h>

#include "runtime/job/job.h"

namespace pp {

/// A validated document as a Job; paths are made absolute from `folder`.
Job read_job(const toml::table& document, const std::filesystem::path& folder);

}  // namespace pp
