#include "runtime/stage/stage.h"

#include <algorithm>
#include <bit>

#include <ATen/ops/ones_like.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "loader/core/error.h"
#include "runtime/program/graph_leaf.h"
#include "runtime/program/split_backward.h"
#include "runtime/stage/add_to.h"
#include "runtime/stage/contract.h"

namespace pp {

/// What a microbatch's forward leaves for its backward.
struct Stage::Saved {
  /// What entered, by entry: tensors as received, or numbers.
  std::vector<c10::IValue> entered;
  std::vector<uint8_t> requires_grad;  ///< by entry: a gradient goes back
  std::unique_ptr<BackwardPass> back;
  /// Sent values that get a gradient: (position in the message, exit).
  std::vector<std::pair<int, int>> sent;
  /// Those that only pass through: (position in the message, entry).
  std::vector<std::pair<int, int>> relays;
  struct Loss {
    struct Leaf {
      int exit;   ///< the output of the program, or
      int entry;  ///< what entered and leaves as it is; -1: none
      GraphLeaf graph;
    };
    at::Tensor value;
    std::vector<Leaf> leaves;  ///< what the loss was made from
  };
  std::optional<Loss> loss;
  /// Of a stage that is run again: makes tape and loss.
  std::function<void(Saved&)> again;
};

/// A microbatch whose weight half is to come.
struct Stage::Deferred {
  Saved saved;
  /// Of a stage that sends no gradient back: all of its backward, from these.
  std::optional<Message> whole;
};

namespace {

c10::IValue from_wire(ir::TypeKind kind, int64_t bits) {
  switch (kind) {
    case ir::TypeKind::Float:
      return std::bit_cast<double>(bits);
    case ir::TypeKind::Bool:
      return bits != 0;
    default:
      return bits;
  }
}

int64_t to_wire(const c10::IValue& value) {
  if (value.isDouble()) {
    return std::bit_cast<int64_t>(value.toDouble());
  }
  return value.isBool() ? static_cast<int64_t>(value.toBool()) : value.toInt();
}

/// A leaf can't be written in place, and what a thread rank handed over is
/// still its sender's: inputs that the program writes are copied.
std::vector<c10::IValue> own_written(
    const Program& program, std::vector<c10::IValue> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (program.written_inputs()[i] && inputs[i].isTensor()) {
      inputs[i] = inputs[i].toTensor().clone();
    }
  }
  return inputs;
}

bool is_relayed(const ExitPoint& exit, const c10::IValue& output) {
  return output.isNone() && exit.relay_input >= 0;
}

const c10::IValue& value_of(
    const ExitPoint& exit,
    const c10::IValue& output,
    const std::vector<c10::IValue>& entered) {
  return is_relayed(exit, output) ? entered[exit.relay_input] : output;
}

}  // namespace

Stage::Stage(
    int index, Border border, Programs programs, std::vector<StageState> states)
    : index_(index),
      border_(std::move(border)),
      programs_(std::move(programs)),
      states_(std::move(states)) {}
Stage::Stage(Stage&&) noexcept = default;
Stage::~Stage() = default;

std::vector<size_t> Stage::written_buffers() const {
  std::vector<size_t> written;
  for (size_t i = 0; i < states_.size(); ++i) {
    const bool renewed =
        programs_.main.written_states()[i] != 0 ||
        std::ranges::find(programs_.mutated_states, static_cast<int>(i)) !=
            programs_.mutated_states.end();
    if (renewed && states_[i].kind == ir::StateKind::Buffer) {
      written.push_back(i);
    }
  }
  return written;
}

size_t Stage::num_saved() const {
  return saved_.size() + deferred_.size();
}

void Stage::forget() {
  saved_.clear();
  deferred_.clear();
}

/// Checks what enters and keeps it in `saved`.
void Stage::bind_inputs(
    int microbatch,
    const Message& previous,
    const UserInputs& user_inputs,
    Saved& saved,
    bool training) const {
  Contract contract(index_, microbatch, border_.autocast);
  size_t next_tensor = 0;
  size_t next_int = 0;
  saved.requires_grad.resize(border_.entries.size(), 0);
  saved.entered.resize(border_.entries.size());
  for (size_t i = 0; i < border_.entries.size(); ++i) {
    const EntryPoint& entry = border_.entries[i];
    if (entry.from == EntryPoint::From::Nowhere) {
      continue;
    }
    if (entry.from == EntryPoint::From::User) {
      const auto found = user_inputs.find(entry.name);
      check(found != user_inputs.end(), "the data has every user input");
      saved.entered[i] = contract.check(entry, found->second);
      continue;
    }
    if (!entry.is_tensor) {
      check(next_int < previous.ints.size(), "a number for each entry");
      saved.entered[i] =
          from_wire(entry.contract.type.kind, previous.ints[next_int++]);
      continue;
    }
    if (next_tensor >= previous.tensors.size()) {
      contract.refuse_missing(entry);
    }
    saved.entered[i] = contract.check(entry, previous.tensors[next_tensor]);
    saved.requires_grad[i] =
        training && previous.requires_grad[next_tensor] ? 1 : 0;
    ++next_tensor;
  }
}

std::vector<at::Tensor> Stage::state_tensors() const {
  std::vector<at::Tensor> tensors;
  tensors.reserve(states_.size());
  for (const StageState& state : states_) {
    tensors.push_back(state.tensor);
  }
  return tensors;
}

/// What a forward writes in place, other than parameters under training.
std::vector<size_t> Stage::renewed_states(const Program& program) const {
  std::vector<size_t> renewed;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (program.written_states()[i] && !states_[i].tensor.requires_grad()) {
      renewed.push_back(i);
    }
  }
  return renewed;
}

/// A buffer that this forward writes in place gets memory of its own, if the
/// backward of an earlier microbatch may still need what is in the old one.
void Stage::renew_written_buffers(const Program& program) {
  if (num_saved() == 0) {
    return;
  }
  for (const size_t i : renewed_states(program)) {
    states_[i].tensor = states_[i].tensor.clone();
  }
}

/// The states as they are now, for a run that repeats this one.
std::vector<at::Tensor> Stage::kept_states(const Program& program) const {
  std::vector<at::Tensor> states = state_tensors();
  for (const size_t i : renewed_states(program)) {
    states[i] = states[i].clone();
  }
  return states;
}

/// requires_grad  by input; null: not trained
ProgramRun Stage::run_program(
    const Program& program,
    std::vector<c10::IValue> inputs,
    const std::vector<uint8_t>* requires_grad,
    std::span<const at::Tensor> states,
    const RandomKey& key) const {
  inputs = own_written(program, std::move(inputs));
  if (requires_grad == nullptr) {
    return {program.run(std::move(inputs), states, key), {}, nullptr};
  }
  RecordedRun run =
      program.record(std::move(inputs), *requires_grad, states, key);
  return {
      std::move(run.result),
      std::move(run.requires_grad),
      std::make_unique<Tape>(std::move(run.tape))};
}

/// Where states may not move: what the program renews is written to where it
/// was, and the run keeps copies for its backward.
ProgramRun Stage::run_in_place(
    const Program& program,
    std::vector<c10::IValue> inputs,
    const std::vector<uint8_t>* requires_grad,
    const RandomKey& key) const {
  std::vector<at::Tensor> states = kept_states(program);
  for (const int i : programs_.mutated_states) {
    states[i] = states[i].clone();
  }
  ProgramRun run =
      run_program(program, std::move(inputs), requires_grad, states, key);
  for (const size_t i : renewed_states(program)) {
    states_[i].tensor.copy_(states[i]);
  }
  for (size_t i = 0; i < run.result.mutated.size(); ++i) {
    states_[programs_.mutated_states[i]].tensor.copy_(run.result.mutated[i]);
  }
  run.result.mutated.clear();
  return run;
}

ProgramRun Stage::run(
    int microbatch, const Saved& saved, const RandomKey& key, Pass pass) {
  const bool training = pass == Pass::Train;
  const bool evaluates = pass == Pass::Evaluate && programs_.eval.has_value();
  const Program& program = evaluates ? *programs_.eval : programs_.main;
  const std::vector<uint8_t>* requires_grad =
      training ? &saved.requires_grad : nullptr;
  if (is_replayed()) {
    const auto work = [&](std::vector<c10::IValue> inputs) {
      return run_in_place(program, std::move(inputs), requires_grad, key);
    };
    Replay* const replay = (evaluates ? eval_replay_ : replay_).get();
    if (replay == nullptr) {
      return work(saved.entered);
    }
    const std::vector<at::Tensor> states = state_tensors();
    return training
               ? replay->train(
                     microbatch, saved.entered, *requires_grad, states, work)
               : replay->infer(saved.entered, states, work);
  }
  if (training) {
    renew_written_buffers(program);
  }
  ProgramRun run =
      run_program(program, saved.entered, requires_grad, state_tensors(), key);
  for (size_t i = 0; i < run.result.mutated.size(); ++i) {
    // Rebound, not written: an earlier microbatch's backward may still need
    // the old value.
    states_[programs_.mutated_states[i]].tensor =
        run.result.mutated[i].detach();
  }
  return run;
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
      programs_.recompute ? "the stage is run again whole in its backward"
                          : programs_.main.obstacle_to_replay(),
      "runs");
  if (programs_.eval) {
    eval_replay_ =
        replay_of(programs_.eval->obstacle_to_replay(), "is evaluated");
  }
}

at::Tensor Stage::as_model_output(
    const ExitPoint& exit, const at::Tensor& tensor) const {
  return border_.autocast && exit.tensor.known
             ? tensor.to(static_cast<at::ScalarType>(exit.tensor.dtype))
             : tensor;
}

/// The model outputs, and the loss that is made of them, with a graph of its
/// own that begins at them.
void Stage::take_loss(
    const ProgramRun& run,
    const OutputsTaker& take,
    Saved& saved,
    ModelOutputs& outputs) const {
  const c10::AutoGradMode with_gradients(true);
  Saved::Loss loss;
  for (size_t i = 0; i < border_.exits.size(); ++i) {
    const ExitPoint& exit = border_.exits[i];
    if (exit.model_output.empty()) {
      continue;
    }
    const c10::IValue& output = run.result.outputs[i];
    const int entry = is_relayed(exit, output) ? exit.relay_input : -1;
    at::Tensor tensor = value_of(exit, output, saved.entered).toTensor();
    if (entry < 0 ? run.requires_grad[i] : saved.requires_grad[entry]) {
      loss.leaves.push_back({static_cast<int>(i), entry, {}});
      tensor = loss.leaves.back().graph.enter(tensor);
    }
    outputs.emplace(exit.model_output, as_model_output(exit, tensor));
  }
  if (take) {
    loss.value = take(outputs);
  }
  // Without a gradient nothing below the loss can be trained.
  if (loss.value.defined() && loss.value.requires_grad()) {
    saved.loss = std::move(loss);
  }
}

Message Stage::message_of(
    int microbatch,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    Saved& saved) const {
  Message out;
  out.stage = index_;
  out.microbatch = microbatch;
  for (size_t i = 0; i < border_.exits.size(); ++i) {
    const ExitPoint& exit = border_.exits[i];
    if (!exit.to_next) {
      continue;
    }
    const c10::IValue& value = value_of(exit, result.outputs[i], saved.entered);
    if (!exit.is_tensor) {
      out.ints.push_back(to_wire(value));
      continue;
    }
    const int position = static_cast<int>(out.tensors.size());
    const bool relayed = is_relayed(exit, result.outputs[i]);
    const bool needs_grad = !requires_grad.empty() &&
                            (relayed ? saved.requires_grad[exit.relay_input]
                                     : requires_grad[i]) != 0;
    if (needs_grad && relayed) {
      saved.relays.emplace_back(position, exit.relay_input);
    } else if (needs_grad) {
      saved.sent.emplace_back(position, static_cast<int>(i));
    }
    out.tensors.push_back(value.toTensor().detach());
    out.requires_grad.push_back(needs_grad ? 1 : 0);
  }
  return out;
}

StageResult Stage::forward(
    int microbatch,
    const Message& previous,
    const UserInputs& user_inputs,
    const RandomKey& key,
    Pass pass,
    const OutputsTaker& take) {
  const bool training = pass == Pass::Train;
  const c10::AutoGradMode no_gradients(false);
  Saved saved;
  bind_inputs(microbatch, previous, user_inputs, saved, training);
  if (training && programs_.recompute) {
    // Before the run: it may renew the states.
    saved.again =
        [this, key, take, states = kept_states(programs_.main)](Saved& again) {
          ProgramRun run = run_program(
              programs_.main, again.entered, &again.requires_grad, states, key);
          again.back = std::move(run.back);
          ModelOutputs outputs;
          take_loss(run, take, again, outputs);
        };
  }
  ProgramRun run = this->run(microbatch, saved, key, pass);
  StageResult out;
  if (!training) {
    out.to_next = message_of(microbatch, run.result, {}, saved);
    for (size_t i = 0; i < border_.exits.size(); ++i) {
      const ExitPoint& exit = border_.exits[i];
      if (!exit.model_output.empty()) {
        out.model_outputs.emplace(
            exit.model_output,
            as_model_output(
                exit,
                value_of(exit, run.result.outputs[i], saved.entered)
                    .toTensor()));
      }
    }
    if (take) {
      take(out.model_outputs);
    }
    return out;
  }

  saved.back = std::move(run.back);
  out.to_next = message_of(microbatch, run.result, run.requires_grad, saved);
  take_loss(run, take, saved, out.model_outputs);
  if (saved.again) {
    saved.back.reset();
    saved.loss.reset();
  } else {
    saved.entered.clear();
  }
  saved_.insert_or_assign(microbatch, std::move(saved));
  return out;
}

Stage::Saved Stage::take_saved(int microbatch) {
  const auto found = saved_.find(microbatch);
  check(found != saved_.end(), "forward ran before backward");
  Saved saved = std::move(found->second);
  saved_.erase(found);
  return saved;
}

/// The gradient of a relayed value is what its uses here give and what came
/// back for it.
void Stage::add_relayed(
    const Saved& saved,
    const Message& next,
    std::vector<at::Tensor>& gradients) {
  for (const auto& [position, entry] : saved.relays) {
    const at::Tensor& gradient = next.tensors.at(position);
    add_to(gradients[entry], gradient);
  }
}

Message Stage::gradients_message(
    int microbatch, const std::vector<at::Tensor>& gradients) const {
  Message out;
  out.stage = index_;
  out.microbatch = microbatch;
  for (size_t i = 0; i < border_.entries.size(); ++i) {
    const EntryPoint& entry = border_.entries[i];
    if (entry.from == EntryPoint::From::Previous && entry.is_tensor) {
      out.tensors.push_back(gradients[i]);
      out.requires_grad.push_back(0);
    }
  }
  return out;
}

Message Stage::run_backward(
    int microbatch, Saved& saved, const Message& next, Half half) const {
  if (saved.again) {
    saved.again(saved);
  }
  std::vector<at::Tensor> gradients(border_.entries.size());
  for (const auto& [position, exit] : saved.sent) {
    saved.back->seed(exit, next.tensors.at(position));
  }
  if (saved.loss) {
    const at::Tensor& loss = saved.loss->value;
    pp::run_backward(
        {{torch::autograd::impl::gradient_edge(loss),
          at::ones_like(loss.detach())}});
    for (Saved::Loss::Leaf& leaf : saved.loss->leaves) {
      at::Tensor gradient = leaf.graph.take_gradient();
      if (leaf.entry < 0) {
        saved.back->seed(leaf.exit, std::move(gradient));
      } else {
        add_to(gradients[leaf.entry], gradient);
      }
    }
    saved.loss.reset();
  }
  saved.back->backward(half);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (saved.requires_grad[i]) {
      add_to(gradients[i], saved.back->take_gradient(i));
    }
  }
  add_relayed(saved, next, gradients);
  return gradients_message(microbatch, gradients);
}

Message Stage::backward(int microbatch, const Message& next) {
  Saved saved = take_saved(microbatch);
  return run_backward(microbatch, saved, next, Half::Both);
}

Message Stage::backward_input(int microbatch, const Message& next) {
  Deferred deferred{take_saved(microbatch), std::nullopt};
  Message out;
  if (std::ranges::count(deferred.saved.requires_grad, 0) ==
      std::ssize(deferred.saved.requires_grad)) {
    out = gradients_message(
        microbatch, std::vector<at::Tensor>(border_.entries.size()));
    deferred.whole = next;
  } else {
    out = run_backward(microbatch, deferred.saved, next, Half::Inputs);
  }
  deferred_.emplace(microbatch, std::move(deferred));
  return out;
}

void Stage::backward_weight(int microbatch) {
  auto found = deferred_.extract(microbatch);
  check(!found.empty(), "the input half ran before the weight half");
  Deferred& deferred = found.mapped();
  if (deferred.whole) {
    run_backward(microbatch, deferred.saved, *deferred.whole, Half::Both);
  } else {
    deferred.saved.back->backward(Half::Weights);
  }
}

Stage::Programs compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where,
    const Recompute& recompute,
    c10::Device device) {
  const auto compile_one = [&](const ir::Graph& one) {
    // First without relays, to learn which inputs the graph writes: a relayed
    // value that is written here is passed on as written.
    ProgramOptions options{{}, where, recompute.modules, device};
    for (const ExitPoint& exit : border.exits) {
      const bool needed = exit.to_next || !exit.model_output.empty();
      options.wanted_outputs.push_back(needed && exit.relay_input < 0 ? 1 : 0);
    }
    Program program(one, options);
    bool again = false;
    for (size_t i = 0; i < border.exits.size(); ++i) {
      const ExitPoint& exit = border.exits[i];
      if (exit.relay_input >= 0 && program.written_inputs()[exit.relay_input]) {
        options.wanted_outputs[i] = 1;
        again = true;
      }
    }
    return again ? Program(one, options) : std::move(program);
  };
  std::optional<Program> eval;
  if (eval_graph) {
    eval = compile_one(*eval_graph);
  }
  Stage::Programs programs{
      compile_one(graph), std::move(eval), {}, recompute.stage};
  for (const ir::Mutation& mutation : graph.mutations) {
    const auto state =
        std::ranges::find(graph.states, mutation.fqn, &ir::State::fqn);
    check(state != graph.states.end(), "a mutation names a state");
    programs.mutated_states.push_back(
        static_cast<int>(state - graph.states.begin()));
  }
  return programs;
}

}  // namespace pp
