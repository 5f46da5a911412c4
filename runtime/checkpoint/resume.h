#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "loader/archive/checkpoint_state.h"
#include "loader/core/error.h"
#include "loader/core/log.h"
#include "runtime/job/job.h"
#include "runtime/launch/launch.h"

// Which checkpoint a job may continue from, and what becomes of an earlier
// run's.

namespace pp {

/// Whether a training continues from the newest checkpoint of its folder.
enum class Resume {
  No,    ///< it starts anew; an earlier run's checkpoints are set aside
  Yes,   ///< it continues; it is an error if there is no checkpoint
  IfAny  ///< it continues if there is one, and starts anew otherwise
};

/// Which checkpoints a run may continue from.
struct ResumePoint {
  Resume resume = Resume::No;
  /// Only those saved since torchrun was started: a restart by torchrun
  /// continues its own launch.
  bool this_launch = false;
};

/// Returns what the user asked for, but a job that torchrun restarts continues
/// in any case.
ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env);

/// The folder that holds the job's checkpoints: `<output.dir>/checkpoints`.
std::filesystem::path checkpoint_folder(const OutputConfig& output);

/// A hint for a user who stopped a training: "--resume continues from
/// runs/checkpoints/step_4".
std::string how_to_resume(const OutputConfig& output);

/// The settings that decide how training continues, by name. They are saved
/// with a checkpoint, and a resumed run must have the same.
///
/// batch_size  rows per step, over all replicas
/// data_order  describes which rows each step uses
std::map<std::string, std::string> resume_contract(
    const TrainConfig& train,
    int64_t batch_size,
    const std::string& data_order);

/// Checks a job's contract against the one saved with a checkpoint.
///
/// path    of the checkpoint, for the message
/// throws  Error(Usage) naming the setting that differs
void check_resume_contract(
    const std::map<std::string, std::string>& contract,
    const CheckpointState& saved,
    const std::filesystem::path& path);

/// The error of a job that must resume but has nothing to resume from.
Error nothing_to_resume(const std::filesystem::path& folder);

/// Sets the checkpoints and metrics of an earlier run aside, for a run that is
/// not resumed, or removes them, and says so in warnings. See earlier_run.h.
/// The folder's leader calls it, once the first step has succeeded.
void make_way_for_run(
    const OutputConfig& output, bool overwrite, const Log& log);

}  // namespace pp
