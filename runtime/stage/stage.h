#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/program.h"
#include "runtime/stage/border.h"
#include "runtime/stage/replay.h"
#include "runtime/transport/message.h"

namespace pp {

/// What a forward is for.
enum class Pass {
  Train,     ///< saves what backward needs
  Infer,     ///< the same graph, nothing saved
  Evaluate,  ///< the graph in eval mode, nothing saved
};

/// A parameter, buffer or constant that a stage holds.
struct StageState {
  std::string fqn;
  std::vector<std::string> aliases;
  ir::StateKind kind = ir::StateKind::Parameter;
  bool persistent = true;
  at::Tensor tensor;
};

/// The user's inputs of one microbatch, by model input name.
using UserInputs = std::map<std::string, at::Tensor>;

using ModelOutputs = std::map<std::string, at::Tensor>;

/// Takes the last stage's outputs of a microbatch; in training it returns the
/// loss, a scalar made from them, else an undefined tensor.
using OutputsTaker = std::function<at::Tensor(const ModelOutputs&)>;

/// What a stage gives for one microbatch.
struct StageResult {
  Message to_next;  ///< empty on the last stage
  /// The wanted model outputs, on the last stage.
  ModelOutputs model_outputs;
};

/// What of a training forward is not kept for its backward but run again.
struct Recompute {
  bool stage = false;                ///< everything, the loss too
  std::vector<std::string> modules;  ///< or these, see ProgramOptions
  bool operator==(const Recompute&) const = default;
};

/// One slice of the model with its parameters: computes forward and backward
/// of a microbatch at a time, each microbatch with a tape of its own. Gradients
/// accumulate in the parameters' grad(). Knows nothing of ranks, schedules or
/// other stages. One thread at a time.
class Stage {
 public:
  struct Programs {
    Program main;                 ///< for Train and Infer
    std::optional<Program> eval;  ///< for Evaluate; none: as main
    /// By mutation of the graph: the position of the state it renews.
    std::vector<int> mutated_states;
    bool recompute = false;  ///< the whole stage, see Recompute
  };

  Stage(
      int index,
      Border border,
      Programs programs,
      std::vector<StageState> states);
  Stage(Stage&&) noexcept;
  Stage& operator=(Stage&&) = delete;
  ~Stage();

  int index() const { return index_; }
  const std::vector<StageState>& states() const { return states_; }
  std::vector<StageState>& states() { return states_; }
  const Border& border() const { return border_; }
  /// Positions in states() of the buffers that a forward renews.
  std::vector<size_t> written_buffers() const;

  /// From now on passes are captured on the stage's device and replayed, where
  /// that can be; the states' tensors stay where they are.
  ///
  /// refused  is told what of the stage is run as ever, and why
  void replay_with(
      const Replay::NewMemory& new_memory, const Replay::Refused& refused);

  /// Whether backwards are replayed, or are to be: then gradients that are
  /// there have to stay where they are.
  bool keeps_gradients() const { return replay_ && !replay_->gave_up(); }

  /// previous  what the stage before sent; its values are checked against the
  ///           shape contract. Empty on stage 0.
  /// take      of the last stage, may be empty elsewhere. The loss it returns
  ///           is the root of the microbatch's backward. A stage that is run
  ///           again calls it again in the backward, with the same values.
  /// throws    Error(Runtime) "PipeliningShapeError: ...", or the operator's
  StageResult forward(
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      const RandomKey& key,
      Pass pass,
      const OutputsTaker& take = {});

  /// Runs the microbatch's backward, adds to the parameters' gradients and
  /// frees what forward saved.
  ///
  /// next     the gradients of what forward sent, in that order; empty on the
  ///          last stage
  /// returns  the gradients of what forward received, in that order
  Message backward(int microbatch, const Message& next);

  /// The same in two halves: first the gradients of what forward received,
  Message backward_input(int microbatch, const Message& next);
  /// then, any time later, those of the parameters.
  void backward_weight(int microbatch);

  /// Microbatches of which something is kept for a backward, or half of one.
  size_t num_saved() const;
  /// Drops saved state (after a failed or interrupted step).
  void forget();

 private:
  struct Saved;
  struct Deferred;

  Saved take_saved(int microbatch);
  static void add_relayed(
      const Saved& saved,
      const Message& next,
      std::vector<at::Tensor>& gradients);
  Message run_backward(
      int microbatch, Saved& saved, const Message& next, Half half) const;
  Message gradients_message(
      int microbatch, const std::vector<at::Tensor>& gradients) const;

  void bind_inputs(
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      Saved& saved,
      bool training) const;
  std::vector<at::Tensor> state_tensors() const;
  std::vector<size_t> renewed_states(const Program& program) const;
  std::vector<at::Tensor> kept_states(const Program& program) const;
  void renew_written_buffers(const Program& program);
  bool is_replayed() const { return replay_ || eval_replay_; }
  ProgramRun run_program(
      const Program& program,
      std::vector<c10::IValue> inputs,
      const std::vector<uint8_t>* requires_grad,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;
  ProgramRun run_in_place(
      const Program& program,
      std::vector<c10::IValue> inputs,
      const std::vector<uint8_t>* requires_grad,
      const RandomKey& key) const;
  ProgramRun run(
      int microbatch, const Saved& saved, const RandomKey& key, Pass pass);
  void take_loss(
      const ProgramRun& run,
      const OutputsTaker& take,
      Saved& saved,
      ModelOutputs& outputs) const;
  Message message_of(
      int microbatch,
      const ProgramResult& result,
      std::span<const uint8_t> requires_grad,
      Saved& saved) const;
  at::Tensor as_model_output(
      const ExitPoint& exit, const at::Tensor& tensor) const;

  int index_;
  Border border_;
  Programs programs_;
  std::vector<StageState> states_;
  std::unique_ptr<Replay> replay_;  ///< of the main program
  std::unique_ptr<Replay> eval_replay_;
  std::map<int, Saved> saved_;
  std::map<int, Deferred> deferred_;
};

/// Compiles a stage's graph for a border: outputs that nobody needs, and those
/// that are inputs passed on, are left out of the programs.
///
/// eval_graph  the same graph in eval mode, if it is to be evaluated so
/// device      where the stage's states will be
/// throws      as Program
Stage::Programs compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where,
    const Recompute& recompute = {},
    c10::Device device = c10::kCPU);

}  // namespace pp
