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

namespace pp {

struct RunOptions {
  Resume resume = Resume::No;
  /// Removes an earlier run's files instead of setting them aside.
  bool overwrite = false;
  /// Result of read_env_ranks; none if no other launcher started this process.
  std::optional<EnvRanks> env;
  /// The command that starts this job again as one rank. The launcher
  /// `processes` appends "--launcher env".
  std::vector<std::string> command;
  Log log;
  /// On a stop request the job ends with the cause "interrupted".
  std::stop_token stop;
  /// On a stop request a training run also ends with the cause "interrupted",
  /// but finishes its step and saves first.
  std::stop_token save_and_stop;
  /// Called on each rank before its first step of training.
  std::function<void()> on_training;
  /// Called on each rank before its work. For tests, which observe actions
  /// through the context's activity and can make one fail.
  std::function<void(RankContext&)> on_rank;
  /// Opens the plug-in for `pipeline.device` if that is not the CPU. Tests
  /// replace it.
  std::function<std::shared_ptr<DevicePlugin>()> open_device = open_cuda_plugin;
};

/// The launcher that the job names, or else the one that the environment
/// suggests.
/// throws Error(Usage): 'env' without its variables, or another launcher inside
///        a job of several ranks
LauncherKind choose_launcher(
    const Job& job, const std::optional<EnvRanks>& env);

/// The value of LaunchOptions::output_folder for the job.
std::string output_folder_text(const Job& job);
/// How long a job that is asked to stop may take to save; nullopt: it saves
/// nothing.
std::optional<std::chrono::milliseconds> time_to_save(const Job& job);

/// Refuses what a run of the job would refuse between planning and starting its
/// ranks: an output folder that can't be written, a device that this host
/// lacks, nothing to resume from. Creates nothing.
/// throws Error
void check_surroundings(const Job& job, const RunOptions& options);

/// Plans the job, launches its ranks, trains or infers.
/// throws Error: as make_plan; JobFailed: the first cause on any rank
void run_job(const Job& job, const RunOptions& options);

}  // namespace pp
