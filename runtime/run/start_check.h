#pragma once

#include <optional>
#include <string>

#include "loader/archive/checkpoint_state.h"
#include "runtime/optim/optimizer.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/run/run_job.h"

namespace pp {

/// Checks for a dry run what a run starts with: the checkpoint that it would
/// resume from, or else the weights of `model.checkpoint`, and whether the
/// optimizer can update the model's parameters. The optimizer's saved state is
/// compared with the parameters by name, type and sizes, and not loaded.
class StartCheck {
 public:
  /// Finds the checkpoint as a run would, and reads all of its parts. If the
  /// ranks of the job are on several hosts and this host's folder lacks parts
  /// that another host saved, the constructor looks for no checkpoint: only the
  /// run knows whether the other hosts still have those parts.
  ///
  /// plan        must outlive this object
  /// context     the context of the only rank; must outlive this object
  /// data_order  the result of DataLoader::order_text() for the training data
  /// throws      what find_checkpoint_to_resume(), check_resume_contract() and
  ///             CheckpointReader throw
  StartCheck(
      const Plan& plan,
      RankContext& context,
      const RunOptions& options,
      const std::string& data_order);

  /// Loads the weights of one stage if they don't come from the model, and
  /// checks the stage's optimizer.
  ///
  /// throws  what RankStages::load(), make_optimizer(), may_lack_state() and
  ///         Optimizer::check_state() throw
  void load(RankStages& stage) const;

 private:
  const Plan& plan_;
  TensorLookup find_;  ///< empty: the weights come from the model
  std::string where_;  ///< path of the checkpoint
  /// State of the checkpoint to resume from; nullopt: a run would start anew.
  std::optional<CheckpointState> resumed_;
};

}  // namespace pp
