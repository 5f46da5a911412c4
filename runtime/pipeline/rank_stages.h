#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/program/mode.h"
#include "runtime/rank/rank_context.h"
#include "runtime/stage/stage.h"

namespace pp {

/// The type in which autocast computes; nullopt: no autocast.
std::optional<ir::ScalarType> autocast_type(Precision precision);

/// How stages are built.
struct StageOptions {
  WantedOutputs wanted;
  Mode mode = Mode::Exported;
  bool trainable = false;  ///< parameters get gradients
  bool evaluate = false;   ///< whether to build an eval-mode program as well
  /// Whether to compute in double precision what the model computes in single
  /// precision (program/in_double.h). Inputs must then be converted too.
  bool in_double = false;
  std::optional<ir::ScalarType> autocast = {};
  Recompute recompute = {};
  c10::Device device = c10::kCPU;  ///< where states are and programs run
};

/// The options that the job asks for. Without [train] nothing is trainable.
StageOptions stage_options(const Plan& plan, c10::Device device = c10::kCPU);

/// The device that the rank computes on.
c10::Device device_of(const RankContext& context);

/// The stages of one rank: programs compiled, states mapped.
class RankStages {
 public:
  /// stages  indices of the stages to build
  RankStages(
      const PipelineSource& source,
      const std::vector<int>& stages,
      const StageOptions& options);

  std::map<int, Stage>& stages() { return stages_; }
  std::map<int, Stage*> pointers();
  /// The model inputs these stages read.
  std::set<std::string> user_inputs() const;
  /// Notes on what Mode::Train could not restore, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Freezes the parameters that match a pattern: they get no gradient, and no
  /// part of the backward runs for them alone.
  void freeze(const std::vector<std::string>& patterns);

  /// The FQNs of all states that checkpoints have.
  std::set<std::string> saved_fqns() const;

  /// Copies the value of every state that `find` has.
  /// throws Error(Input) naming what is missing, does not fit, or contradicts a
  ///        state with which it shares memory
  void load(
      const std::function<at::Tensor(const std::string& fqn)>& find,
      const std::string& where);

 private:
  void check_shared_memory(
      const std::function<at::Tensor(const std::string& fqn)>& find,
      const std::string& where) const;

  std::map<int, Stage> stages_;
  std::vector<std::string> notes_;
};

/// Makes stages on a device replay captured graphs if the job asks for it
/// (pipeline.cuda_graphs). Where that is not possible, warns and says why.
void use_graphs(
    const Execution& execution, const RankContext& context, RankStages& stages);

/// The stages that `rank` owns, ascending.
std::vector<int> stages_of(const StageMap& stage_to_rank, int rank);

inline bool owns_last_stage(const StageMap& stage_to_rank, int rank) {
  return stage_to_rank.back() == rank;
}

}  // namespace pp
