#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/stage/stage.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// Forms the total gradient of every parameter that several stages hold, in
/// ascending stage order, and gives every holder the same bits. All ranks call
/// it together, between steps.
void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    std::map<int, Stage>& stages);

/// What rank 0 learns of a step, and the norm every rank learns.
struct StepSummary {
  double loss = 0;       ///< rank 0
  double grad_norm = 0;  ///< every rank
  double busy_s = 0;     ///< rank 0: summed over ranks
  double wall_s = 0;     ///< rank 0: summed over ranks
};

/// What each rank brings to the summary.
struct RankSummary {
  double loss = 0;  ///< 0 but on the owner of the last stage
  double busy_s = 0;
  double wall_s = 0;
};

/// Exchanges losses, times and squared norms. A tied parameter is counted
/// once, by its lowest stage. All ranks call it together, between steps.
StepSummary summarise(
    RankContext& context,
    const PipelineSource& source,
    const StageMap& stage_to_rank,
    std::map<int, Stage>& stages,
    const RankSummary& mine);

/// A stage's parameters that take a gradient.
std::vector<NamedParameter> trainable_parameters(const Stage& stage);

}  // namespace pp
