#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/optim/optimizer.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/stage/stage.h"

namespace pp {

/// The parameters that a rank trains, or a replica's shares of them, by stage.
/// Their gradients are in `.grad`.
using Parameters = std::map<int, std::vector<NamedParameter>>;

/// The stages' parameters that require a gradient.
Parameters trainable_parameters(const std::map<int, Stage>& stages);

/// Forms the total gradient of every parameter that several stages hold, in
/// ascending stage order, and gives every holder the same bits. All ranks of a
/// pipeline call it together, between steps.
void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    const Parameters& parameters);

/// The numbers of one step, combined from all ranks.
struct StepSummary {
  double loss = 0;       ///< every rank
  double grad_norm = 0;  ///< every rank
  double busy_s = 0;     ///< rank 0: summed over ranks
  double wall_s = 0;     ///< rank 0: summed over ranks
  double tokens = 0;     ///< rank 0
  bool stop = false;     ///< every rank: one of them was asked to stop
  /// Every rank: elements or rows that enter the loss, see Loss::weight().
  double weight = 0;
  /// Every rank: the first microbatch whose loss isn't finite; -1: none.
  int bad_microbatch = -1;
  bool bad_state = false;  ///< every rank: some rank's RankSummary says so
  /// Rank 0: parameters whose gradient isn't finite.
  std::vector<std::string> bad_gradients;
};

/// One rank's contribution to the summary.
struct RankSummary {
  double loss = 0;  ///< with the last stage: its replica's part; else 0
  double busy_s = 0;
  double wall_s = 0;
  double tokens = 0;  ///< on the pipeline's first rank: its replica's; else 0
  bool stop = false;  ///< the rank was asked to stop
  /// Whether its gradients enter the norm, see Replicas::counts_norm().
  bool counts_norm = true;
  double weight = 0;        ///< with the last stage: the whole step's; else 0
  int bad_microbatch = -1;  ///< with the last stage: of its replica
  bool bad_state = false;   ///< the step wrote NaN into a state that is kept
};

/// Exchanges losses, times and squared norms. A tied parameter is counted
/// once, by its lowest stage. All ranks of the job call it together, between
/// steps.
StepSummary summarise(
    RankContext& world,
    const Plan& plan,
    const Parameters& parameters,
    const RankSummary& own);

}  // namespace pp
