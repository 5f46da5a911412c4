#pragma once

#include <map>
#include <vector>

#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/stage/stage.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// What is trained, by stage: parameters, or a replica's shares of them. Their
/// gradients are in `.grad`.
using Parameters = std::map<int, std::vector<NamedParameter>>;

/// The parameters of stages that take a gradient.
Parameters trainable_parameters(const std::map<int, Stage>& stages);

/// Forms the total gradient of every parameter that several stages hold, in
/// ascending stage order, and gives every holder the same bits. All ranks of a
/// pipeline call it together, between steps.
void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    const Parameters& parameters);

/// What rank 0 learns of a step, and every rank: the loss and the norm.
struct StepSummary {
  double loss = 0;       ///< every rank
  double grad_norm = 0;  ///< every rank
  double busy_s = 0;     ///< rank 0: summed over ranks
  double wall_s = 0;     ///< rank 0: summed over ranks
  double tokens = 0;     ///< rank 0
};

/// What each rank brings to the summary.
struct RankSummary {
  double loss = 0;  ///< its replica's part; 0 but with the last stage
  double busy_s = 0;
  double wall_s = 0;
  double tokens = 0;  ///< its replica's; 0 but on the pipeline's first rank
  /// Whether the squares of its gradients are to be counted.
  bool counts_norm = true;
};

/// Exchanges losses, times and squared norms. A tied parameter is counted
/// once, by its lowest stage. All ranks of the job call it together, between
/// steps.
StepSummary summarise(
    RankContext& world,
    const Plan& plan,
    const Parameters& parameters,
    const RankSummary& mine);

}  // namespace pp
