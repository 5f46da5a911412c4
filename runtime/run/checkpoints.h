#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runtime/launch/rank_context.h"
#include "runtime/run/checkpoint_saver.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/replicas.h"
#include "runtime/run/resume.h"
#include "runtime/train/checkpoint.h"
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

/// The newest valid checkpoint of the job's folder to go on from; none: the run
/// starts anew. Rank 0 finds it, by its own `point`, and tells all: torchrun's
/// agents count restarts each for itself.
/// throws Error(Input) where there must be one
std::optional<std::filesystem::path> checkpoint_to_resume(
    RankContext& context, const Plan& plan, const ResumePoint& point);

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
