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

// Which checkpoint a job may continue from, and what happens to the files of an
// earlier run.

namespace pp {

/// Whether a training continues from the newest checkpoint of its folder.
enum class Resume {
  No,    ///< start anew; an earlier run's checkpoints are set aside
  Yes,   ///< continue; it is an error if there is no checkpoint
  IfAny  ///< continue if there is a checkpoint, otherwise start anew
};

/// Which checkpoints a run may continue from.
struct ResumePoint {
  Resume resume = Resume::No;
  /// Only those saved since torchrun was started: a restart by torchrun
  /// continues its own launch.
  bool this_launch = false;
};

/// Returns what the user asked for; a job that torchrun restarts always
/// continues.
ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env);

/// The folder that holds the job's checkpoints: `<output.dir>/checkpoints`.
std::filesystem::path checkpoint_folder(const OutputConfig& output);

/// A hint for a user who stopped a training run: "--resume continues from
/// runs/checkpoints/step_4".
std::string how_to_resume(const OutputConfig& output);

/// The settings that decide how training continues, by name. They are saved
/// with a checkpoint, and a resumed run must have the same.
///
/// loss_output  the model output that the loss reads
/// batch_size   rows per step, over all replicas
/// data_order   describes which rows each step uses
/// throws       Error(Input): the loss graph's file can't be read
std::map<std::string, std::string> resume_contract(
    const TrainConfig& train,
    const std::string& loss_output,
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

/// For a run that is not resumed: sets the checkpoints and metrics of an
/// earlier run aside, or removes them, and reports it in warnings. See
/// earlier_run.h. The folder's leader calls it once the first step has
/// succeeded.
void make_way_for_run(
    const OutputConfig& output, bool overwrite, const Log& log);

}  // namespace pp
