#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "runtime/job/job.h"
#include "runtime/launch/launch.h"

namespace pp {

struct RunOptions {
  bool resume = false;
  /// What read_env_ranks found; none: nothing else started us.
  std::optional<EnvRanks> env;
  /// How to start this job again as one rank: the `processes` launcher adds
  /// "--launcher env" to it.
  std::vector<std::string> command;
  Log log;
  /// Asked to stop: the job ends with a cause that says it was interrupted.
  std::stop_token stop;
};

/// Who starts the ranks: what the job says, or what the environment suggests.
/// throws Error(Usage): 'env' without ranks, another inside a job of several
LauncherKind choose_launcher(
    const Job& job, const std::optional<EnvRanks>& env);

/// Plans the job, launches its ranks, trains or infers. Returns the exit code.
/// throws Error: what the plan refuses; JobFailed: the first cause of a rank
int run_job(const Job& job, const RunOptions& options);

}  // namespace pp
