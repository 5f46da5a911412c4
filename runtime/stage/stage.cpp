#include "runtime/stage/stage.h"

#include <algorithm>
#include <optional>

#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "runtime/stage/add_to.h"
#include "runtime/stage/loss_graph.h"
#include "runtime/stage/program_run.h"

namespace pp {

namespace {

/// How a forward can be run again in its backward.
struct Repetition {
  RandomKey key;
  OutputsCallback on_outputs;
  std::vector<at::Tensor> states;  ///< as they were before the forward
};

}  // namespace

/// State that a microbatch's forward leaves for its backward.
struct Stage::Saved {
  EnteredValues entered;
  SentValues sent;
  std::unique_ptr<BackwardPass> back;
  std::optional<LossGraph> loss;
  /// How to compute `back` and `loss`, if the stage recomputes them.
  std::optional<Repetition> repetition;

  // Between the halves of a backward:
  bool input_half_done = false;
  /// The message that the whole backward starts from in the second half, if the
  /// stage sends no gradient back.
  std::optional<Message> deferred;
};

Stage::Stage(
    int index,
    Border border,
    StagePrograms programs,
    std::vector<StageState> states)
    : index_(index),
      border_(std::move(border)),
      size_rules_({}, border_.guards),
      programs_(std::move(programs)),
      states_(std::move(states)),
      written_states_(find_written_states()) {}
Stage::Stage(Stage&&) noexcept = default;
Stage::~Stage() = default;

std::vector<size_t> Stage::find_written_states() const {
  std::vector<size_t> written;
  for (size_t i = 0; i < states().size(); ++i) {
    const bool is_written =
        programs_.main.written_states()[i] != 0 ||
        (programs_.eval && programs_.eval->written_states()[i] != 0) ||
        std::ranges::find(programs_.mutated_states, static_cast<int>(i)) !=
            programs_.mutated_states.end();
    if (is_written) {
      written.push_back(i);
    }
  }
  return written;
}

std::vector<size_t> Stage::written_buffers() const {
  std::vector<size_t> written = written_states_;
  std::erase_if(written, [this](size_t i) {
    return states()[i].kind == ir::StateKind::Parameter;
  });
  return written;
}

size_t Stage::num_saved() const {
  return saved_.size();
}

void Stage::forget() {
  saved_.clear();
}

void Stage::replay_with(
    const Replay::NewMemory& new_memory, const Replay::Refused& refused) {
  const auto replay_of = [&](const std::string& obstacle,
                             const std::string& without) {
    if (!obstacle.empty()) {
      refused(without + " without CUDA graphs: " + obstacle);
    }
    return obstacle.empty() ? std::make_unique<Replay>(new_memory, refused)
                            : nullptr;
  };
  replay_ = replay_of(
      programs_.recompute ? "the whole stage is recomputed in its backward"
                          : programs_.main.obstacle_to_replay(),
      "runs");
  if (programs_.eval) {
    eval_replay_ =
        replay_of(programs_.eval->obstacle_to_replay(), "is evaluated");
  }
  if (replay_ || eval_replay_) {
    states_.fix_places();
  }
}

/// Checks the sizes of what entered, if the stage was exported on its own.
void Stage::check_sizes(const EnteredValues& entered) const {
  if (border_.guards.empty()) {
    return;
  }
  InputSizes sizes;
  for (size_t i = 0; i < entered.values.size(); ++i) {
    if (entered.values[i].isTensor()) {
      sizes.emplace(
          border_.entries[i].name, entered.values[i].toTensor().sizes().vec());
    }
  }
  size_rules_.check(sizes, "the stage's inputs");
}

const Program& Stage::program_for(Pass pass) const {
  return pass == Pass::Evaluate && programs_.eval ? *programs_.eval
                                                  : programs_.main;
}

Replay* Stage::replay_for(Pass pass) const {
  return pass == Pass::Evaluate && programs_.eval ? eval_replay_.get()
                                                  : replay_.get();
}

/// Runs the program of a pass on the values that entered, directly or as a
/// replay, and stores the new values of the states.
ProgramRun Stage::run(
    int microbatch,
    const EnteredValues& entered,
    const RandomKey& key,
    Pass pass) {
  const Program& program = program_for(pass);
  const std::vector<uint8_t>* requires_grad =
      pass == Pass::Train ? &entered.requires_grad : nullptr;
  const auto work = [&](std::vector<c10::IValue> inputs) {
    const std::vector<at::Tensor> states = states_.begin_run(
        programs_, program, pass == Pass::Train && num_saved() > 0);
    ProgramRun run =
        run_program(program, std::move(inputs), requires_grad, states, key);
    states_.end_run(programs_, program, states, run.result.mutated);
    return run;
  };
  Replay* const replay = replay_for(pass);
  if (replay == nullptr) {
    return work(entered.values);
  }
  const std::vector<at::Tensor> states = states_.tensors();
  return pass == Pass::Train
             ? replay->train(
                   microbatch, entered.values, *requires_grad, states, work)
             : replay->infer(entered.values, states, work);
}

/// The model outputs of a run, in the model's own types.
///
/// loss  the loss that will be computed from them; null if there is none
ModelOutputs Stage::model_outputs(
    const ProgramRun& run,
    const EnteredValues& entered,
    LossGraph* loss) const {
  ModelOutputs outputs;
  for (size_t i = 0; i < border_.exits.size(); ++i) {
    const ExitPoint& exit = border_.exits[i];
    if (exit.model_output.empty()) {
      continue;
    }
    const ExitValue value =
        exit_value(border_, i, run.result, run.requires_grad, entered);
    at::Tensor tensor = value.value->toTensor();
    if (loss != nullptr && value.requires_grad) {
      tensor = loss->add_output(static_cast<int>(i), value.entry, tensor);
    }
    if (border_.autocast && exit.tensor.known) {
      tensor = tensor.to(static_cast<at::ScalarType>(exit.tensor.dtype));
    }
    outputs.emplace(exit.model_output, std::move(tensor));
  }
  return outputs;
}

/// Keeps what the backward of a training run needs, its tape and its loss.
/// Returns the model outputs.
ModelOutputs Stage::save_run(
    ProgramRun& run, const OutputsCallback& on_outputs, Saved& saved) const {
  const c10::AutoGradMode with_gradients(true);
  LossGraph loss;
  ModelOutputs outputs = model_outputs(run, saved.entered, &loss);
  if (on_outputs) {
    loss.set_loss(on_outputs(outputs));
  }
  if (loss.requires_grad()) {
    saved.loss = std::move(loss);
  }
  saved.back = std::move(run.back);
  return outputs;
}

/// Runs a forward again whose tape and loss were dropped.
void Stage::recompute(Saved& saved) const {
  const auto& [key, on_outputs, states] = *saved.repetition;
  ProgramRun run = run_program(
      programs_.main,
      saved.entered.values,
      &saved.entered.requires_grad,
      states,
      key);
  save_run(run, on_outputs, saved);
}

StageResult Stage::forward(
    int microbatch,
    const Message& previous,
    const UserInputs& user_inputs,
    const RandomKey& key,
    Pass pass,
    const OutputsCallback& on_outputs) {
  const bool training = pass == Pass::Train;
  const c10::AutoGradMode no_gradients(false);
  const Crossing crossing{index_, microbatch};
  Saved saved;
  saved.entered = enter(border_, crossing, previous, user_inputs, training);
  check_sizes(saved.entered);
  if (training && programs_.recompute) {
    // Before the run, which may change the states.
    saved.repetition =
        Repetition{key, on_outputs, states_.snapshot(programs_.main)};
  }
  ProgramRun run = this->run(microbatch, saved.entered, key, pass);
  states_.part_from(written_states_, run.result.outputs, run.requires_grad);
  StageResult out;
  out.to_next = message_to_next(
      border_,
      crossing,
      run.result,
      run.requires_grad,
      saved.entered,
      saved.sent);
  if (!training) {
    out.model_outputs = model_outputs(run, saved.entered, nullptr);
    if (on_outputs) {
      on_outputs(out.model_outputs);
    }
    return out;
  }
  out.model_outputs = save_run(run, on_outputs, saved);
  if (saved.repetition) {
    saved.back.reset();
    saved.loss.reset();
  } else {
    saved.entered.values.clear();
  }
  saved_.insert_or_assign(microbatch, std::move(saved));
  return out;
}

Stage::Saved Stage::take_saved(int microbatch) {
  auto found = saved_.extract(microbatch);
  check(!found.empty(), "a forward must run before its backward");
  return std::move(found.mapped());
}

/// Runs a backward or its first half: from the gradients of what was sent and
/// from the loss, through the tape, to those of what entered.
Message Stage::run_backward(
    int microbatch, Saved& saved, const Message& next, Half half) const {
  if (saved.repetition) {
    recompute(saved);
  }
  std::vector<at::Tensor> gradients(border_.entries.size());
  for (const auto& [position, exit] : saved.sent.outputs) {
    saved.back->seed(exit, next.tensors.at(position));
  }
  if (saved.loss) {
    for (auto& [exit, entry, gradient] : saved.loss->backward()) {
      if (entry < 0) {
        saved.back->seed(exit, std::move(gradient));
      } else {
        add_to(gradients[entry], gradient);
      }
    }
    saved.loss.reset();
  }
  saved.back->backward(half);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (saved.entered.requires_grad[i]) {
      add_to(gradients[i], saved.back->take_gradient(i));
    }
  }
  // A value that also passed through has readers in later stages as well.
  for (const auto& [position, entry] : saved.sent.relays) {
    add_to(gradients[entry], next.tensors.at(position));
  }
  return message_to_previous(border_, {index_, microbatch}, gradients);
}

Message Stage::backward(int microbatch, const Message& next) {
  Saved saved = take_saved(microbatch);
  check(
      !saved.input_half_done, "a backward must run either whole or in halves");
  return run_backward(microbatch, saved, next, Half::Both);
}

Message Stage::backward_input(int microbatch, const Message& next) {
  Saved saved = take_saved(microbatch);
  check(!saved.input_half_done, "each half of a backward must run once");
  Message out;
  if (saved.entered.any_requires_grad()) {
    out = run_backward(microbatch, saved, next, Half::Inputs);
  } else {
    saved.deferred = next;
    out = message_to_previous(
        border_,
        {index_, microbatch},
        std::vector<at::Tensor>(border_.entries.size()));
  }
  saved.input_half_done = true;
  saved_.emplace(microbatch, std::move(saved));
  return out;
}

void Stage::backward_weight(int microbatch) {
  Saved saved = take_saved(microbatch);
  check(
      saved.input_half_done, "the input half must run before the weight half");
  if (saved.deferred) {
    run_backward(microbatch, saved, *saved.deferred, Half::Both);
  } else {
    saved.back->backward(Half::Weights);
  }
}

}  // namespace pp
