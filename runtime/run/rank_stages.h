#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/program/mode.h"
#include "runtime/run/plan.h"
#include "runtime/stage/stage.h"

namespace pp {

/// "exported", "train", "eval"; throws Error(Usage) for another
Mode parse_mode(const std::string& text);

/// "fp32": nothing; "bf16". throws Error(Usage) for another
std::optional<ir::ScalarType> parse_precision(const std::string& text);

/// The stages of one rank: programs compiled, states mapped.
class RankStages {
 public:
  /// stages     indices of the stages to build
  /// trainable  parameters get gradients
  /// evaluate   compile an eval-mode program beside the main one
  /// autocast   what `train.precision` says, if not float32
  RankStages(
      const PipelineSource& source,
      const std::vector<int>& stages,
      const WantedOutputs& wanted,
      Mode mode,
      bool trainable,
      bool evaluate,
      std::optional<ir::ScalarType> autocast = {});

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

/// Whether one of a parameter's names matches one of `train.freeze`.
bool is_frozen(
    const std::string& fqn,
    const std::vector<std::string>& aliases,
    const std::vector<std::string>& patterns);

/// The stages `rank` owns, ascending.
std::vector<int> stages_of(const StageMap& stage_to_rank, int rank);

}  // namespace pp
