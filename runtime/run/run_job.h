#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "runtime/device/plugin_loader.h"
#include "runtime/job/job.h"
#include "runtime/launch/launch.h"
#include "runtime/run/resume.h"

namespace pp {

struct RunOptions {
  Resume resume = Resume::No;
  /// What read_env_ranks found; none: nothing else started us.
  std::optional<EnvRanks> env;
  /// How to start this job again as one rank: the `processes` launcher adds
  /// "--launcher env" to it.
  std::vector<std::string> command;
  Log log;
  /// Asked to stop: the job ends with a cause that says it was interrupted.
  std::stop_token stop;
  /// Called on each rank before its work. A seam for tests: through the
  /// context's activity they see every action, and can make one fail.
  std::function<void(RankContext&)> on_rank;
  /// Opens what `pipeline.device` needs, where that is not the CPU. A seam for
  /// tests too.
  std::function<std::shared_ptr<DevicePlugin>()> open_device = open_cuda_plugin;
};

/// Who starts the ranks: what the job says, or what the environment suggests.
/// throws Error(Usage): 'env' without ranks, another inside a job of several
LauncherKind choose_launcher(
    const Job& job, const std::optional<EnvRanks>& env);

/// Plans the job, launches its ranks, trains or infers.
/// throws Error: what the plan refuses; JobFailed: the first cause of a rank
void run_job(const Job& job, const RunOptions& options);

}  // namespace pp
