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
  /// step and its index in that step. Empty: the step is `step`, and the index
  /// is the microbatch itself.
  std::function<std::pair<int64_t, int>(int microbatch)> place = nullptr;
  /// The user's inputs of a microbatch that this rank's stages read.
  std::function<const UserInputs&(int microbatch)> user_inputs;
  /// Called after the last stage's forward of each microbatch, on the rank that
  /// owns that stage. In training it returns the microbatch's loss, already
  /// weighted by its share of the step; otherwise an undefined tensor. A last
  /// stage that recomputes its forward calls it again in its backward, and the
  /// same values must then give the same loss. It must stay valid until the
  /// step ends.
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
  double busy_s = 0;  ///< inside stages
};

/// Drives this rank's stages through its list of actions: one loop, one call
/// per kind of action. Knows no schedule by name and no launcher.
class Executor {
 public:
  /// schedule  lowered and validated
  /// stages    this rank's, by stage index; not owned
  Executor(
      RankContext& context,
      const Schedule& schedule,
      std::map<int, Stage*> stages);

  /// throws ActionFailed with stage, microbatch and action; JobFailed if
  ///        another rank failed first
  StepTimes run(const StepInputs& inputs);

  /// Runs one part of a list that is too long to hold at once, in place of the
  /// actions this executor was made with. Messages may be in flight between
  /// parts; call finish() after the last.
  /// throws as run() does
  void run_part(std::span<const Action> actions, const StepInputs& inputs);
  void finish();

 private:
  enum class Direction : uint8_t { Forward, Backward };
  /// Receiving stage, microbatch, direction.
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

  // One step's messages, by the slot they are for.
  std::map<Slot, Message> outgoing_;
  std::map<Slot, std::unique_ptr<Pending>> sending_;
  std::map<Slot, std::unique_ptr<Pending>> receiving_;
  std::map<Slot, Message> arrived_;
  double busy_s_ = 0;
};

}  // namespace pp
