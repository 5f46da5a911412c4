#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/program/program.h"
#include "runtime/stage/border.h"
#include "runtime/transport/message.h"

namespace pp {

struct BackwardRoot;     // split_backward.h
struct DeferredWeights;  // split_backward.h

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

/// What a stage gives for one microbatch.
struct StageResult {
  Message to_next;  ///< empty on the last stage
  /// The wanted model outputs, on the last stage.
  std::map<std::string, at::Tensor> model_outputs;
};

/// One slice of the model with its parameters: computes forward and backward
/// of a microbatch at a time, each microbatch with an autograd graph of its
/// own. Gradients accumulate in the parameters' grad(). Knows nothing of
/// ranks, schedules or other stages. One thread at a time.
class Stage {
 public:
  struct Programs {
    Program main;                 ///< for Train and Infer
    std::optional<Program> eval;  ///< for Evaluate; none: as main
    /// By mutation of the graph: the position of the state it renews.
    std::vector<int> mutated_states;
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

  /// previous  what the stage before sent; its values are checked against the
  ///           shape contract. Empty on stage 0.
  /// throws    Error(Runtime) "PipeliningShapeError: ...", or the operator's
  StageResult forward(
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      const RandomKey& key,
      Pass pass);

  /// Makes `loss`, a scalar made from model outputs of the microbatch's
  /// forward, the root of its backward.
  void set_loss(int microbatch, const at::Tensor& loss);

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

  Saved take_saved(int microbatch);
  static std::vector<BackwardRoot> roots_of(Saved& saved, const Message& next);
  static void add_relayed(
      const Saved& saved,
      const Message& next,
      std::vector<at::Tensor>& gradients);
  Message gradients_message(
      int microbatch, const std::vector<at::Tensor>& gradients) const;

  std::vector<c10::IValue> bind_inputs(
      const Program& program,
      int microbatch,
      const Message& previous,
      const UserInputs& user_inputs,
      Saved& saved,
      bool training);
  void renew_written_buffers(const Program& program);
  at::Tensor check_contract(
      const EntryPoint& entry,
      int microbatch,
      const at::Tensor& tensor,
      std::map<std::string, int64_t>& symbols) const;

  int index_;
  Border border_;
  Programs programs_;
  std::vector<StageState> states_;
  std::map<int, Saved> saved_;
  std::map<int, DeferredWeights> deferred_;
};

/// Compiles a stage's graph for a border: outputs that nobody needs, and those
/// that are inputs passed on, are left out of the programs.
///
/// eval_graph  the same graph in eval mode, if it is to be evaluated so
Stage::Programs compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where);

}  // namespace pp
