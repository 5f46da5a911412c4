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

/// Whether a training run continues from the newest checkpoint of its folder.
enum class Resume {
  No,    ///< start anew; an earlier run's checkpoints are set aside
  Yes,   ///< continue; it is an error if there is no checkpoint
  IfAny  ///< continue if there is a checkpoint, otherwise start anew
};

/// Which checkpoints a run may continue from.
struct ResumePoint {
  Resume resume = Resume::No;
  /// If true, only checkpoints that were saved since torchrun was started are
  /// used, because a restart by torchrun must not continue an earlier launch.
  bool this_launch = false;
};

/// Returns which checkpoints a run may continue from. The user decides, except
/// that a job always continues if torchrun restarts it.
ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env);

/// Returns the folder that holds the job's checkpoints,
/// `<output.dir>/checkpoints`.
std::filesystem::path checkpoint_folder(const OutputConfig& output);

/// Returns a hint for a user who stopped a training run, such as "--resume
/// continues from runs/checkpoints/step_4".
std::string how_to_resume(const OutputConfig& output);

/// Returns the settings that determine how training continues, by name. They
/// are saved with a checkpoint, and a run that resumes from the checkpoint must
/// have the same settings.
///
/// loss_output  the model output that the loss reads
/// batch_size   rows per step, over all replicas
/// data_order   the text that describes which rows each step uses, see
///              DataLoader::order_text()
/// throws       Error(Input): the loss graph's file can't be read
std::map<std::string, std::string> resume_contract(
    const TrainConfig& train,
    const std::string& loss_output,
    int64_t batch_size,
    const std::string& data_order);

/// Checks that a job's contract equals the one saved with a checkpoint.
///
/// path    the checkpoint's path, for the message
/// throws  Error(Usage) naming the setting that differs
void check_resume_contract(
    const std::map<std::string, std::string>& contract,
    const CheckpointState& saved,
    const std::filesystem::path& path);

/// Makes the error of a job that must resume but has nothing to resume from.
Error nothing_to_resume(const std::filesystem::path& folder);

/// Sets the checkpoints and metrics of an earlier run aside, or removes them if
/// `overwrite`, for a run that is not resumed; logs a warning about it. See
/// earlier_run.h. The folder's leader calls it once the first step has
/// succeeded.
void make_way_for_run(
    const OutputConfig& output, bool overwrite, const Log& log);

}  // namespace pp
