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
  Train,     ///< keeps what the backward needs
  Infer,     ///< the same graph, keeping nothing
  Evaluate,  ///< the graph in eval mode, keeping nothing
};

/// The wanted model outputs of one microbatch, by name.
using ModelOutputs = std::map<std::string, at::Tensor>;

/// Receives the model outputs of a microbatch from the last stage. In training
/// it returns the loss, a scalar computed from them; otherwise an undefined
/// tensor.
using OutputsCallback = std::function<at::Tensor(const ModelOutputs&)>;

/// A stage's results for one microbatch.
struct StageResult {
  Message to_next;             ///< empty on the last stage
  ModelOutputs model_outputs;  ///< set on the last stage
};

/// One slice of the model, with its parameters. Computes forwards and
/// backwards, one microbatch at a time; each microbatch has its own tape.
/// Gradients accumulate in the parameters' grad(). Knows nothing of ranks,
/// schedules or other stages. Only one thread at a time may use it.
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
  /// The positions in states() of the states that a forward changes, in
  /// training or in evaluation.
  const std::vector<size_t>& written_states() const { return written_states_; }
  /// Returns those elements of written_states() that are positions of buffers
  /// and constants.
  std::vector<size_t> written_buffers() const;

  /// From now on, captures passes on the stage's device and replays them where
  /// possible. The states' tensors then stay at their addresses.
  ///
  /// refused  a function that is told which passes run normally instead of
  ///          being replayed, and why
  void replay_with(
      const Replay::NewMemory& new_memory, const Replay::Refused& refused);

  /// Whether backwards are replayed, or will be. If so, existing gradients must
  /// stay at their addresses.
  bool keeps_gradients() const { return replay_ && !replay_->gave_up(); }

  /// Runs a microbatch's forward. In training it keeps what the backward needs.
  ///
  /// previous    the previous stage's message, whose values are checked against
  ///             the shape contract; empty on stage 0
  /// on_outputs  a function that is called on the last stage; may be empty on
  ///             other stages. The loss that it returns is the root of the
  ///             microbatch's backward. If the stage recomputes its forward,
  ///             the backward calls on_outputs again with the same values
  /// throws      Error(Runtime) "PipeliningShapeError: ...", or an operator's
  ///             error; Error(Input): the stage wasn't exported for these sizes
  StageResult forward(
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      const RandomKey& key,
      Pass pass,
      const OutputsCallback& on_outputs = {});

  /// Runs a microbatch's backward, which adds to the parameters' gradients, and
  /// frees what the forward kept.
  ///
  /// next     the gradients of the values that the forward sent, in that order;
  ///          empty on the last stage
  /// returns  the gradients of the values that the forward received, in that
  ///          order
  Message backward(int microbatch, const Message& next);

  /// Runs the first half of a backward, which computes and returns the
  /// gradients of the values that the forward received. The arguments are those
  /// of backward().
  Message backward_input(int microbatch, const Message& next);
  /// Runs the second half of a backward, which computes the parameters'
  /// gradients. It may run at any time after backward_input().
  void backward_weight(int microbatch);

  /// Returns the number of microbatches whose backward, or its second half, has
  /// not run yet.
  size_t num_saved() const;
  /// Drops what forwards kept for backwards. Call it after a failed or
  /// interrupted step.
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
  std::unique_ptr<Replay> replay_;      ///< replays the main program
  std::unique_ptr<Replay> eval_replay_;
  std::map<int, Saved> saved_;  ///< what the forward of each microbatch kept
};

}  // namespace pp
