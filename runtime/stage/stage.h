#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/data/size_rules.h"
#include "runtime/stage/border.h"
#include "runtime/stage/border_values.h"
#include "runtime/stage/program_run.h"
#include "runtime/stage/replay.h"
#include "runtime/stage/stage_programs.h"
#include "runtime/stage/stage_states.h"
#include "runtime/transport/message.h"

namespace pp {

class LossGraph;

/// The purpose of a forward.
enum class Pass {
  Train,     ///< saves what backward needs
  Infer,     ///< the same graph, nothing saved
  Evaluate,  ///< the graph in eval mode, nothing saved
};

/// The wanted model outputs of one microbatch, by name.
using ModelOutputs = std::map<std::string, at::Tensor>;

/// Receives the last stage's outputs of a microbatch. In training it returns
/// the loss, a scalar made from them; otherwise an undefined tensor.
using OutputsCallback = std::function<at::Tensor(const ModelOutputs&)>;

/// A stage's results for one microbatch.
struct StageResult {
  Message to_next;             ///< empty on the last stage
  ModelOutputs model_outputs;  ///< on the last stage
};

/// One slice of the model with its parameters. Computes forwards and backwards,
/// one microbatch at a time; each microbatch has its own tape. Gradients
/// accumulate in the parameters' grad(). Knows nothing of ranks, schedules or
/// other stages. One thread at a time.
class Stage {
 public:
  Stage(
      int index,
      Border border,
      StagePrograms programs,
      std::vector<StageState> states);
  Stage(Stage&&) noexcept;
  Stage& operator=(Stage&&) = delete;
  ~Stage();

  int index() const { return index_; }
  const std::vector<StageState>& states() const { return states_.all(); }
  std::vector<StageState>& states() { return states_.all(); }
  const Border& border() const { return border_; }
  /// Positions in states() of the states that a forward changes, in training or
  /// evaluation.
  const std::vector<size_t>& written_states() const { return written_states_; }
  /// The subset of written_states() that are buffers and constants.
  std::vector<size_t> written_buffers() const;

  /// Captures passes on the stage's device from now on and replays them where
  /// possible. The states' tensors then stay at their addresses.
  ///
  /// refused  called with the passes that run normally, and why
  void replay_with(
      const Replay::NewMemory& new_memory, const Replay::Refused& refused);

  /// Whether backwards are or will be replayed. If so, existing gradients must
  /// stay at their addresses.
  bool keeps_gradients() const { return replay_ && !replay_->gave_up(); }

  /// Runs a microbatch's forward. In training it keeps what the backward needs.
  ///
  /// previous    the previous stage's message, whose values are checked against
  ///             the shape contract; empty on stage 0
  /// on_outputs  called on the last stage, may be empty elsewhere. The loss it
  ///             returns is the root of the microbatch's backward. A stage that
  ///             recomputes its forward calls it again in the backward, with
  ///             the same values.
  /// throws      Error(Runtime) "PipeliningShapeError: ...", or the operator's;
  ///             Error(Input): sizes for which the stage wasn't exported
  StageResult forward(
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      const RandomKey& key,
      Pass pass,
      const OutputsCallback& on_outputs = {});

  /// Runs a microbatch's backward, adds to the parameters' gradients and frees
  /// what forward saved.
  ///
  /// next     the gradients of what forward sent, in that order; empty on the
  ///          last stage
  /// returns  the gradients of what forward received, in that order
  Message backward(int microbatch, const Message& next);

  /// Runs the first half of a backward: the gradients of what forward received.
  Message backward_input(int microbatch, const Message& next);
  /// Runs the second half, any time later: the parameters' gradients.
  void backward_weight(int microbatch);

  /// Number of microbatches whose backward, or half of it, has not run yet.
  size_t num_saved() const;
  /// Drops saved state. Call it after a failed or interrupted step.
  void forget();

 private:
  struct Saved;

  std::vector<size_t> find_written_states() const;
  void check_sizes(const EnteredValues& entered) const;
  const Program& program_for(Pass pass) const;
  Replay* replay_for(Pass pass) const;
  ProgramRun run(
      int microbatch,
      const EnteredValues& entered,
      const RandomKey& key,
      Pass pass);
  ModelOutputs model_outputs(
      const ProgramRun& run,
      const EnteredValues& entered,
      LossGraph* loss) const;
  ModelOutputs save_run(
      ProgramRun& run, const OutputsCallback& on_outputs, Saved& saved) const;
  void recompute(Saved& saved) const;

  Saved take_saved(int microbatch);
  Message run_backward(
      int microbatch, Saved& saved, const Message& next, Half half) const;

  int index_;
  Border border_;
  SizeRules size_rules_;
  StagePrograms programs_;
  StageStates states_;
  std::vector<size_t> written_states_;  ///< see written_states()
  std::unique_ptr<Replay> replay_;      ///< of the main program
  std::unique_ptr<Replay> eval_replay_;
  std::map<int, Saved> saved_;  ///< by microbatch
};

}  // namespace pp
