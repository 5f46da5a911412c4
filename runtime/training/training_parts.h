#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/training/saved_outputs.h"

namespace pp {

/// Says that a resumed run has no step left; empty if it has, or if the job
/// only evaluates.
std::string rest_text(int64_t done, int64_t num_steps);

/// Builds the stages that a rank trains.
///
/// pipeline  the rank among those of its pipeline
RankStages build_stages(const Plan& plan, const RankContext& pipeline);

/// Returns the outputs that the job saves of its training, on the rank that
/// owns the last stage; nullopt on other ranks, or if it saves none.
///
/// path  the file to write
std::optional<SavedOutputs> outputs_to_save(
    const Plan& plan, const std::filesystem::path& path, int pipeline_rank);

}  // namespace pp
