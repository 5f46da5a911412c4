#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "runtime/job/job.h"
#include "runtime/launch/launch.h"

namespace pp {

struct RunOptions {
  bool resume = false;
  bool dry_run = false;
  /// What read_env_ranks found; none: nothing else started us.
  std::optional<EnvRanks> env;
  /// How to start this job again as one rank: the `processes` launcher adds
  /// "--launcher env" to it.
  std::vector<std::string> command;
  Log log;
};

/// Plans the job, launches its ranks, trains or infers. Returns the exit code.
/// throws Error: what the plan refuses; JobFailed: the first cause of a rank
int run_job(const Job& job, const RunOptions& options);

}  // namespace pp
