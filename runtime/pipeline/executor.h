#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/rank/rank_context.h"
#include "runtime/schedule/schedule.h"
#include "runtime/stage/stage.h"

namespace pp {

/// The inputs of one step. The functions are called on the rank's own thread.
struct StepInputs {
  Pass pass = Pass::Train;
  uint64_t seed = 0;
  int64_t step = 0;
  /// For a list of actions that spans several steps: maps a microbatch to its
  /// step and to its index in that step. Empty: every microbatch belongs to
  /// `step`, and its number is also its index.
  std::function<std::pair<int64_t, int>(int microbatch)> place = nullptr;
  /// Returns the user's inputs of a microbatch that this rank's stages read.
  std::function<const UserInputs&(int microbatch)> user_inputs;
  /// Called after the last stage's forward of each microbatch, on the rank that
  /// owns that stage. In training it returns the microbatch's loss, already
  /// weighted by its share of the step; otherwise an undefined tensor. If the
  /// last stage recomputes its forward, the backward calls it again with the
  /// same values, for which it must return the same loss. What the function
  /// refers to must stay valid until the step ends.
  std::function<at::Tensor(int microbatch, const ModelOutputs& model_outputs)>
      on_outputs;
  /// Called at each REDUCE_GRAD and WAIT_REDUCE_GRAD. May be empty.
  std::function<void(const Action& action)> on_reduce_grad;
  /// Called before each F, B, I and W, once its input has arrived. May be
  /// empty.
  std::function<void(const Action& action)> on_computing;
  /// Called after each F, B, I and W with the seconds it took, which exclude
  /// the wait for its input. May be empty.
  std::function<void(const Action& action, double seconds)> on_computed;
};

struct StepTimes {
  double wall_s = 0;
  double busy_s = 0;  ///< seconds spent inside stages
};

/// Runs this rank's list of actions on its stages, with one loop and one
/// function per kind of action. Knows no schedule by name and no launcher.
class Executor {
 public:
  /// schedule  a lowered and validated schedule
  /// stages    this rank's stages by index; not owned
  Executor(
      RankContext& context,
      const Schedule& schedule,
      std::map<int, Stage*> stages);

  /// Runs the rank's actions for one step, and returns how long they took.
  ///
  /// throws  ActionFailed with stage, microbatch and action; JobFailed if
  ///         another rank failed first
  StepTimes run(const StepInputs& inputs);

  /// Runs one part of a list of actions that is too long to hold at once. These
  /// actions replace those that the executor was made with. Messages may be in
  /// flight between parts. Call finish() after the last part.
  /// throws  what run() throws
  void run_part(std::span<const Action> actions, const StepInputs& inputs);
  void finish();

 private:
  enum class Direction : uint8_t { Forward, Backward };
  /// A message's receiving stage, microbatch and direction.
  using Slot = std::tuple<int, int, Direction>;

  void execute(const Action& action, const StepInputs& inputs);
  void forward(const Action& action, const StepInputs& inputs);
  static RandomKey key_of(const StepInputs& inputs, int microbatch);
  void backward(const Action& action, const StepInputs& inputs);
  void backward_weight(const Action& action, const StepInputs& inputs);
  static std::chrono::steady_clock::time_point computing(
      const Action& action, const StepInputs& inputs);
  void computed(
      const Action& action,
      const StepInputs& inputs,
      std::chrono::steady_clock::time_point start);
  void send(const Action& action, Direction direction);
  void receive(const Action& action, Direction direction);
  void wait_send(const Action& action, Direction direction);
  void hand_over(Message message, const Slot& receiver);
  Message take(const Slot& slot);
  void log_order(std::span<const Action> actions);

  RankContext& context_;
  StageMap stage_to_rank_;
  std::vector<Action> actions_;
  std::map<int, Stage*> stages_;
  bool order_logged_ = false;

  // One step's messages, by the slot of their receiver.
  std::map<Slot, Message> outgoing_;
  std::map<Slot, std::unique_ptr<Pending>> sending_;
  std::map<Slot, std::unique_ptr<Pending>> receiving_;
  std::map<Slot, Message> arrived_;
  double busy_s_ = 0;
};

}  // namespace pp
