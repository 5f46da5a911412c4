#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/launch/rank_context.h"
#include "runtime/program/mode.h"
#include "runtime/run/plan.h"
#include "runtime/stage/stage.h"

namespace pp {

/// "exported", "train", "eval"; throws Error(Usage) for another
Mode parse_mode(const std::string& text);

/// "fp32": nothing; "bf16", "fp16". throws Error(Usage) for another
std::optional<ir::ScalarType> parse_precision(const std::string& text);

/// How stages are built.
struct StageOptions {
  WantedOutputs wanted;
  Mode mode = Mode::Exported;
  bool trainable = false;  ///< parameters get gradients
  bool evaluate = false;   ///< an eval-mode program beside the main one
  std::optional<ir::ScalarType> autocast = {};
  Recompute recompute = {};
  c10::Device device = c10::kCPU;  ///< where states are and programs run
};

/// As the job says. Without [train] nothing is trainable.
StageOptions stage_options(const Plan& plan, c10::Device device = c10::kCPU);

/// What the rank computes on.
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
  /// What Mode::Train could not bring back, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Parameters that match a pattern are not trained: they get no gradient, and
  /// no backward runs for what only they and what lies below them need.
  void freeze(const std::vector<std::string>& patterns);

  /// Copies every parameter and persistent buffer from a lookup by FQN.
  /// throws Error(Input) naming what is missing or does not fit
  void load(
      const std::function<at::Tensor(const std::string& fqn)>& find,
      const std::string& where);

 private:
  std::map<int, Stage> stages_;
  std::vector<std::string> notes_;
};

/// Has a device's stages replay graphs, if the job asks for it
/// (pipeline.cuda_graphs). A warning says where and why it can't be.
void use_graphs(const Job& job, const RankContext& context, RankStages& stages);

/// The stages `rank` owns, ascending.
std::vector<int> stages_of(const StageMap& stage_to_rank, int rank);

}  // namespace pp
