#include "runtime/pipeline/executor.h"

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "loader/core/seconds_since.h"
#include "loader/core/text.h"
#include "runtime/rank/failure.h"
#include "runtime/transport/gaps.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

std::string shapes_text(const Message& message) {
  std::vector<std::string> shapes;
  for (const at::Tensor& tensor : message.tensors) {
    shapes.push_back(
        tensor.defined()
            ? shape_text({tensor.sizes().data(), tensor.sizes().size()})
            : "none");
  }
  return join(shapes);
}

/// If the reason is lack of memory, adds what the stage holds, because the size
/// of the failed allocation alone says little.
std::string with_memory(const std::string& reason, const Stage* stage) {
  if (stage == nullptr || reason.find("out of memory") == std::string::npos) {
    return reason;
  }
  uint64_t num_bytes = 0;
  for (const StageState& state : stage->states()) {
    num_bytes += state.tensor.nbytes();
  }
  return reason + "; stage " + std::to_string(stage->index()) + " holds " +
         human_bytes(num_bytes) + " of weights and " +
         count_text(stage->num_saved(), "microbatch", "microbatches") +
         " in flight; 'pp run JOB --dry-run' shows what each stage "
         "needs";
}

}  // namespace

Executor::Executor(
    RankContext& context,
    const Schedule& schedule,
    std::map<int, Stage*> stages)
    : context_(context),
      stage_to_rank_(schedule.stage_to_rank),
      actions_(schedule.ranks.at(context.rank)),
      stages_(std::move(stages)) {}

StepTimes Executor::run(const StepInputs& inputs) {
  busy_s_ = 0;
  const Clock::time_point start = Clock::now();
  run_part(actions_, inputs);
  finish();
  return {seconds_since(start), busy_s_};
}

void Executor::run_part(
    std::span<const Action> actions, const StepInputs& inputs) {
  log_order(actions);
  for (const Action& action : actions) {
    context_.check_interrupted();
    const auto reason = [&](const std::string& what) {
      const auto stage = stages_.find(action.stage);
      return with_memory(
          what, stage == stages_.end() ? nullptr : stage->second);
    };
    try {
      context_.activity->begin(
          action.stage, action.microbatch, kind_name(action.kind));
      execute(action, inputs);
    } catch (const JobFailed&) {
      throw;
    } catch (const Error& error) {
      throw ActionFailed(
          error.kind(),
          action.stage,
          action.microbatch,
          to_string(action),
          reason(error.what()));
    } catch (const std::exception& error) {
      throw ActionFailed(
          ErrorKind::Runtime,
          action.stage,
          action.microbatch,
          to_string(action),
          reason(first_line(error.what())));
    }
  }
  context_.activity->end();
}

void Executor::finish() {
  check(
      outgoing_.empty() && receiving_.empty() && arrived_.empty(),
      "every message of the step must have been used");
  sending_.clear();
}

void Executor::log_order(std::span<const Action> actions) {
  if (order_logged_ || !context_.log.enabled(LogLevel::Debug)) {
    return;
  }
  order_logged_ = true;
  std::vector<std::string> texts;
  for (const Action& action : actions) {
    texts.push_back(to_string(action));
  }
  context_.log.debug("actions: " + join(texts));
}

void Executor::execute(const Action& action, const StepInputs& inputs) {
  if (context_.log.enabled(LogLevel::Debug)) {
    context_.log.debug("action " + to_string(action));
  }
  switch (action.kind) {
    case ActionKind::Forward:
      return forward(action, inputs);
    case ActionKind::FullBackward:
    case ActionKind::BackwardInput:
      return backward(action, inputs);
    case ActionKind::SendForward:
      return send(action, Direction::Forward);
    case ActionKind::SendBackward:
      return send(action, Direction::Backward);
    case ActionKind::RecvForward:
      return receive(action, Direction::Forward);
    case ActionKind::RecvBackward:
      return receive(action, Direction::Backward);
    case ActionKind::WaitSendForward:
      return wait_send(action, Direction::Forward);
    case ActionKind::WaitSendBackward:
      return wait_send(action, Direction::Backward);
    case ActionKind::BackwardWeight:
      return backward_weight(action, inputs);
    case ActionKind::ReduceGrad:
    case ActionKind::WaitReduceGrad:
      if (inputs.on_reduce_grad) {
        inputs.on_reduce_grad(action);
      }
      return;
    case ActionKind::Unshard:
    case ActionKind::Reshard:
      return;  // every rank has whole parameters
  }
}

RandomKey Executor::key_of(const StepInputs& inputs, int microbatch) {
  const auto [step, index] =
      inputs.place ? inputs.place(microbatch)
                   : std::pair<int64_t, int>{inputs.step, microbatch};
  return {inputs.seed, step, index};
}

void Executor::forward(const Action& action, const StepInputs& inputs) {
  Stage& stage = *stages_.at(action.stage);
  const bool is_first = action.stage == 0;
  const bool is_last =
      action.stage + 1 == static_cast<int>(stage_to_rank_.size());
  const Message previous =
      is_first ? Message{}
               : take({action.stage, action.microbatch, Direction::Forward});
  OutputsCallback on_outputs;
  if (is_last) {
    // Copy the callback, because a stage may call it again in its backward.
    on_outputs = [callback = inputs.on_outputs,
                  microbatch = action.microbatch](const ModelOutputs& outputs) {
      return callback(microbatch, outputs);
    };
  }
  const Clock::time_point start = computing(action, inputs);
  StageResult result = stage.forward(
      action.microbatch,
      previous,
      inputs.user_inputs(action.microbatch),
      key_of(inputs, action.microbatch),
      inputs.pass,
      on_outputs);
  computed(action, inputs, start);
  if (!is_last) {
    hand_over(
        std::move(result.to_next),
        {action.stage + 1, action.microbatch, Direction::Forward});
  }
}

void Executor::backward(const Action& action, const StepInputs& inputs) {
  Stage& stage = *stages_.at(action.stage);
  const bool is_last =
      action.stage + 1 == static_cast<int>(stage_to_rank_.size());
  const Message next =
      is_last ? Message{}
              : take({action.stage, action.microbatch, Direction::Backward});
  const Clock::time_point start = computing(action, inputs);
  Message gradients = action.kind == ActionKind::BackwardInput
                          ? stage.backward_input(action.microbatch, next)
                          : stage.backward(action.microbatch, next);
  computed(action, inputs, start);
  if (action.stage > 0) {
    hand_over(
        std::move(gradients),
        {action.stage - 1, action.microbatch, Direction::Backward});
  }
}

void Executor::backward_weight(const Action& action, const StepInputs& inputs) {
  const Clock::time_point start = computing(action, inputs);
  stages_.at(action.stage)->backward_weight(action.microbatch);
  computed(action, inputs, start);
}

Clock::time_point Executor::computing(
    const Action& action, const StepInputs& inputs) {
  if (inputs.on_computing) {
    inputs.on_computing(action);
  }
  return Clock::now();
}

void Executor::computed(
    const Action& action, const StepInputs& inputs, Clock::time_point start) {
  const double seconds = seconds_since(start);
  busy_s_ += seconds;
  if (inputs.on_computed) {
    inputs.on_computed(action, seconds);
  }
}

/// Keeps a message for its SEND action, or delivers it to a neighbour on this
/// rank.
void Executor::hand_over(Message message, const Slot& receiver) {
  const bool is_local =
      stage_to_rank_.at(std::get<0>(receiver)) == context_.rank;
  (is_local ? arrived_ : outgoing_)
      .insert_or_assign(receiver, std::move(message));
}

Message Executor::take(const Slot& slot) {
  if (auto local = arrived_.extract(slot)) {
    return std::move(local.mapped());
  }
  auto pending = receiving_.extract(slot);
  check(
      !pending.empty(), "a receive must be posted before its value is needed");
  Message message =
      restore_gaps(pending.mapped()->wait(context_.stall_timeout));
  const auto [stage, microbatch, direction] = slot;
  const int sender = direction == Direction::Forward ? stage - 1 : stage + 1;
  if (message.stage != sender || message.microbatch != microbatch) {
    throw runtime_error(
        "expected microbatch " + std::to_string(microbatch) + " of stage " +
        std::to_string(sender) + ", received microbatch " +
        std::to_string(message.microbatch) + " of stage " +
        std::to_string(message.stage));
  }
  if (context_.log.enabled(LogLevel::Debug)) {
    context_.log.debug(
        "received microbatch " + std::to_string(microbatch) + " from rank " +
        std::to_string(context_.world_rank(stage_to_rank_.at(sender))) + ": " +
        shapes_text(message));
  }
  return message;
}

void Executor::send(const Action& action, Direction direction) {
  const int receiver =
      direction == Direction::Forward ? action.stage + 1 : action.stage - 1;
  const Slot slot{receiver, action.microbatch, direction};
  auto message = outgoing_.extract(slot);
  check(!message.empty(), "a value must be computed before it is sent");
  const int to = stage_to_rank_.at(receiver);
  if (context_.log.enabled(LogLevel::Debug)) {
    context_.log.debug(
        "sending microbatch " + std::to_string(action.microbatch) +
        " to rank " + std::to_string(context_.world_rank(to)) + ": " +
        shapes_text(message.mapped()));
  }
  sending_[slot] =
      context_.transport->send(describe_gaps(std::move(message.mapped())), to);
}

void Executor::receive(const Action& action, Direction direction) {
  const int sender =
      direction == Direction::Forward ? action.stage - 1 : action.stage + 1;
  receiving_[{action.stage, action.microbatch, direction}] =
      context_.transport->recv(stage_to_rank_.at(sender));
}

void Executor::wait_send(const Action& action, Direction direction) {
  const int receiver =
      direction == Direction::Forward ? action.stage + 1 : action.stage - 1;
  auto pending = sending_.extract({receiver, action.microbatch, direction});
  check(
      !pending.empty(), "a send must be waited for once, after it was issued");
  pending.mapped()->wait(context_.stall_timeout);
}

}  // namespace pp
