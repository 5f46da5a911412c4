#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "runtime/checkpoint/resume.h"
#include "runtime/device/plugin_loader.h"
#include "runtime/job/job.h"
#include "runtime/launch/launch.h"
#include "runtime/plan/plan.h"

namespace pp {

struct RunOptions {
  Resume resume = Resume::No;
  /// Whether to remove an earlier run's files instead of setting them aside.
  bool overwrite = false;
  /// The result of read_env_ranks(); nullopt: no other launcher started this
  /// process.
  std::optional<EnvRanks> env;
  /// The command that starts this job again as one rank. The launcher
  /// `processes` appends "--launcher env".
  std::vector<std::string> command;
  Log log;
  /// A request ends the job with the cause "interrupted".
  std::stop_token stop;
  /// A request also ends a training run with the cause "interrupted", but the
  /// run first finishes its step and saves a checkpoint.
  std::stop_token save_and_stop;
  /// Called on each rank before its first training step; may be empty.
  std::function<void()> on_training;
  /// Called on each rank before its work; may be empty. Tests use it to observe
  /// actions through the context's activity, or to make an action fail.
  std::function<void(RankContext&)> on_rank;
  /// Opens the plug-in for `pipeline.device`, if that is not the CPU. Tests
  /// replace it.
  std::function<std::shared_ptr<DevicePlugin>()> open_device = open_cuda_plugin;
};

/// Returns the launcher that the job names, or else the one that the
/// environment suggests.
/// throws  Error(Usage): the launcher is 'env' but its variables are not set,
///         or it isn't 'env' although this process is one of several ranks
LauncherKind choose_launcher(
    const Job& job, const std::optional<EnvRanks>& env);

/// Returns the value of LaunchOptions::output_folder for the job.
std::string output_folder_text(const Job& job);
/// Returns how long a job that is asked to stop may take to save; nullopt if it
/// saves nothing.
std::optional<std::chrono::milliseconds> time_to_save(const Job& job);

/// Checks what a run of the job would check between planning and starting its
/// ranks: that the output folder can be written, that this host has the device,
/// and that there is something to resume from. Creates nothing.
/// throws  Error: one of these checks fails
void check_surroundings(const Job& job, const RunOptions& options);

/// Makes the plan of a run on as many ranks as were started, without the other
/// ranks: for a dry run.
/// throws  what make_plan() throws
std::shared_ptr<const Plan> plan_job(Job job, const RunOptions& options);

/// Plans the job, launches its ranks, and trains or infers.
/// throws  what make_plan() throws; JobFailed with the job's first failure
void run_job(const Job& job, const RunOptions& options);

}  // namespace pp
