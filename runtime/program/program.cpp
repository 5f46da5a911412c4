#include "runtime/program/program.h"

#include "loader/core/error.h"
#include "runtime/program/body.h"
#include "runtime/program/interpreter.h"
#include "runtime/program/recorder.h"

namespace pp {

namespace {

using c10::IValue;

Frame frame_of(
    const Program::Body& body,
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states) {
  check(
      inputs.size() == body.inputs.size(),
      "there must be one value for each input");
  check(
      states.size() == body.states.size(),
      "there must be one tensor for each state");
  Frame frame(body);
  for (size_t i = 0; i < inputs.size(); ++i) {
    frame.slots[body.inputs[i]] = std::move(inputs[i]);
  }
  for (size_t i = 0; i < states.size(); ++i) {
    frame.slots[body.states[i]] = states[i];
  }
  return frame;
}

ProgramResult result_of(Frame& frame) {
  ProgramResult result;
  for (const Operand& output : frame.body.outputs) {
    result.outputs.push_back(frame.take(output));
  }
  for (const ir::ValueId id : frame.body.mutated) {
    result.mutated.push_back(frame.slots[id].toTensor());
  }
  return result;
}

}  // namespace

ProgramResult run_body(
    const Program::Body& body,
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    int64_t occurrence,
    std::span<uint64_t> node_ns) {
  Frame frame = frame_of(body, std::move(inputs), states);
  Run{body, key, occurrence, node_ns}.instructions(
      frame, 0, body.instructions.size());
  return result_of(frame);
}

Program::Program(const ir::Graph& graph, const ProgramOptions& options)
    : body_(compile(graph, options)) {}
Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

ProgramResult Program::run(
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key) const {
  return run_body(*body_, std::move(inputs), states, key, 0);
}

ProgramResult Program::run_timed(
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    std::span<uint64_t> node_ns) const {
  return run_body(*body_, std::move(inputs), states, key, 0, node_ns);
}

RecordedRun Program::record(
    std::vector<IValue> inputs,
    std::span<const uint8_t> requires_grad,
    std::span<const at::Tensor> states,
    const RandomKey& key) const {
  check(
      requires_grad.size() == inputs.size(),
      "there must be one flag for each input");
  Frame frame = frame_of(*body_, std::move(inputs), states);
  auto tape = std::make_unique<Tape::Recording>(*body_, key, states);
  for (size_t i = 0; i < requires_grad.size(); ++i) {
    if (requires_grad[i] != 0) {
      tape->flags[body_->inputs[i]] = kNeedsGradient | kOnPath;
    }
  }
  Recorder(*tape).run(frame);
  RecordedRun out{{}, {}, Tape(nullptr)};
  for (const Operand& output : body_->outputs) {
    const bool is_value = output.from == Operand::From::Slot ||
                          output.from == Operand::From::LastUse;
    out.requires_grad.push_back(
        is_value && tape->flags[output.index] != 0 ? 1 : 0);
  }
  out.result = result_of(frame);
  out.tape = Tape(std::move(tape));
  return out;
}

size_t Program::size() const {
  return body_->instructions.size();
}

std::string Program::obstacle_to_replay() const {
  for (const Instruction& instruction : body_->instructions) {
    const std::string node =
        "node '" + instruction.name + "' (" + instruction.target + ") ";
    if (instruction.draws) {
      return node + "draws random numbers";
    }
    if (!instruction.blocks.empty()) {
      return node + "branches on a value";
    }
  }
  return {};
}

const std::vector<uint8_t>& Program::written_inputs() const {
  return body_->written_inputs;
}

const std::vector<uint8_t>& Program::written_states() const {
  return body_->written_states;
}

}  // namespace pp
