#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/optim/optimizer.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/stage/stage.h"

namespace pp {

/// The parameters that a rank trains, or its replica's shares of them, by
/// stage. Their gradients are in `.grad`.
using Parameters = std::map<int, std::vector<NamedParameter>>;

/// Returns the stages' parameters that require a gradient.
Parameters trainable_parameters(const std::map<int, Stage>& stages);

/// For every parameter that several stages hold, replaces its gradient by the
/// sum over these stages, added in ascending stage order, so that every holder
/// has the same bits. All ranks of a pipeline call it together, between steps.
void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    const Parameters& parameters);

/// The numbers of one step, combined from all ranks. The comments say which
/// ranks have each number.
struct StepSummary {
  double loss = 0;          ///< every rank
  double grad_norm = 0;     ///< every rank
  double busy_s = 0;        ///< rank 0: summed over ranks
  double wall_s = 0;        ///< rank 0: summed over ranks
  double tokens = 0;        ///< rank 0
  bool stop = false;        ///< every rank: whether any rank was asked to stop
  bool time_is_up = false;  ///< every rank: whether it is on any rank
  /// Every rank: the number of elements or rows that enter the loss, see
  /// Loss::weight().
  double weight = 0;
  /// On every rank: the first microbatch whose loss isn't finite; -1 if there
  /// is none.
  int bad_microbatch = -1;
  /// On every rank: whether bad_state is set in any RankSummary.
  bool bad_state = false;
  /// On rank 0: names of the parameters whose gradient isn't finite.
  std::vector<std::string> bad_gradients;
};

/// One rank's contribution to the summary.
struct RankSummary {
  /// The loss of the rank's replica, on the owner of the last stage; 0
  /// elsewhere.
  double loss = 0;
  double busy_s = 0;
  double wall_s = 0;
  /// The tokens of the rank's replica, on the pipeline's first rank; 0
  /// elsewhere.
  double tokens = 0;
  bool stop = false;        ///< whether the rank was asked to stop
  bool time_is_up = false;  ///< whether `train.max_time` is over
  /// Whether the rank's gradients enter the norm, see Replicas::counts_norm().
  bool counts_norm = true;
  /// The weight of the whole step, on the owner of the last stage; 0 elsewhere.
  double weight = 0;
  /// On the owner of the last stage, the replica's first microbatch whose loss
  /// isn't finite; -1 if there is none, and on other ranks.
  int bad_microbatch = -1;
  /// Whether the step wrote NaN into a state of the model.
  bool bad_state = false;
};

/// Combines the summaries and squared gradient norms of all ranks. A tied
/// parameter is counted once, on its lowest stage. All ranks of the job call it
/// together, between steps.
StepSummary summarise(
    RankContext& world,
    const Plan& plan,
    const Parameters& parameters,
    const RankSummary& own);

}  // namespace pp
