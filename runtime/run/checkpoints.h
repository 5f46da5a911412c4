#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "runtime/launch/rank_context.h"
#include "runtime/run/checkpoint_saver.h"
#include "runtime/run/job_checkpoint.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/replicas.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// What of a job decides how training goes on: a resumed run must agree.
std::map<std::string, std::string> resume_contract(
    const Job& job, const std::string& data_order);

std::filesystem::path checkpoint_folder(const Job& job);

/// What this rank contributes to a checkpoint: its stages' and optimizers'
/// tensors themselves, of replicas the first one's, with what they hold in
/// shares put together. All ranks call it together.
CheckpointParts checkpoint_parts(
    const Manifest& manifest,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    Replicas& replicas);

/// Takes weights, buffers and optimizer state from a checkpoint. All ranks call
/// it together.
/// returns the state to go on from
/// throws  Error(Usage): the job differs from the checkpoint's in a way that
///         would change the run; Error(Input): damaged or not this model's
CheckpointState load_checkpoint(
    JobCheckpoint& checkpoint,
    const std::map<std::string, std::string>& contract,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    const Replicas& replicas);

/// Weights and buffers alone: `model.checkpoint`. All ranks call it together.
/// throws  as open_checkpoint; Error(Input): not this model's
void load_weights(
    RankContext& context,
    const std::filesystem::path& path,
    RankStages& stages);

/// Makes way for a run that is not resumed: checkpoints of an earlier one in
/// the job's folder are set aside, see set_aside_checkpoints(). The folder's
/// leader calls it, once the first step went well.
void set_earlier_run_aside(const Job& job, const Log& log);

}  // namespace pp
