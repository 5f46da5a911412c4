#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/replicas.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// What of a job decides how training goes on: a resumed run must agree.
std::map<std::string, std::string> resume_contract(
    const Job& job, const std::string& data_order);

/// Writes `<output.dir>/checkpoints/step_N`, once: what replicas hold in shares
/// is put together by the first. All ranks call it together.
///
/// keep     how many of the newest stay; 0: all
/// returns  the folder
std::filesystem::path save_checkpoint(
    RankContext& context,
    const Plan& plan,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    Replicas& replicas,
    const CheckpointState& state,
    int keep);

/// The newest valid checkpoint of the job's folder, found by rank 0 and told
/// to all. throws Error(Input) where there is none
std::filesystem::path newest_checkpoint(RankContext& context, const Plan& plan);

/// Takes weights, buffers and optimizer state from a checkpoint.
/// returns the state to go on from
/// throws  Error(Usage): the job differs from the checkpoint's in a way that
///         would change the run; Error(Input): damaged or not this model's
CheckpointState load_checkpoint(
    const std::filesystem::path& path,
    const std::map<std::string, std::string>& contract,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    const Replicas& replicas);

/// Weights and buffers alone: `model.checkpoint`.
void load_weights(const std::filesystem::path& path, RankStages& stages);

}  // namespace pp
