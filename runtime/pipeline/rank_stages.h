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

/// Returns the type in which autocast computes; nullopt: no autocast.
std::optional<ir::ScalarType> autocast_type(Precision precision);

/// How stages are built.
struct StageOptions {
  WantedOutputs wanted;
  Mode mode = Mode::Exported;
  bool trainable = false;  ///< whether parameters get gradients
  bool evaluate = false;   ///< whether to build an eval-mode program as well
  /// Whether to compute in double precision what the model computes in single
  /// precision (program/in_double.h). Inputs must then be converted too.
  bool in_double = false;
  std::optional<ir::ScalarType> autocast = {};
  Recompute recompute = {};
  c10::Device device = c10::kCPU;  ///< where states are and programs run
};

/// Returns the options that the job asks for. Without [train], `trainable` is
/// false.
StageOptions stage_options(const Plan& plan, c10::Device device = c10::kCPU);

/// Returns the device that the rank computes on.
c10::Device device_of(const RankContext& context);

/// The stages of one rank, with their programs compiled and their states
/// mapped.
class RankStages {
 public:
  /// stages  indices of the stages to build
  RankStages(
      const PipelineSource& source,
      const std::vector<int>& stages,
      const StageOptions& options);

  std::map<int, Stage>& stages() { return stages_; }
  std::map<int, Stage*> pointers();
  /// Returns the names of the model inputs that these stages read.
  std::set<std::string> user_inputs() const;
  /// Notes about what Mode::Train could not restore, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Freezes the parameters that match a pattern: they get no gradient, and the
  /// backward does no work that only they would need.
  void freeze(const std::vector<std::string>& patterns);

  /// Returns the FQNs of all states that checkpoints contain.
  std::set<std::string> saved_fqns() const;

  /// Copies to each state the tensor that `find` returns for it; a state that
  /// isn't saved may have none. `where` names the source in messages.
  /// throws  Error(Input) naming the state: a value is missing, does not fit,
  ///         or differs from the value of a state that shares its memory
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

/// If the job asks for it (pipeline.cuda_graphs), makes stages on a device
/// capture their passes as graphs and replay them. Where that is not possible,
/// warns and says why.
void use_graphs(
    const Execution& execution, const RankContext& context, RankStages& stages);

/// Returns the stages that `rank` owns, in ascending order.
std::vector<int> stages_of(const StageMap& stage_to_rank, int rank);

inline bool owns_last_stage(const StageMap& stage_to_rank, int rank) {
  return stage_to_rank.back() == rank;
}

}  // namespace pp
