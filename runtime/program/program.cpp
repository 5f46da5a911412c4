#include "runtime/program/program.h"

#include <chrono>

#include <ATen/ScalarOps.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "runtime/program/body.h"
#include "runtime/program/index_fault.h"
#include "runtime/program/recompute.h"
#include "runtime/program/regions.h"

namespace pp {

namespace {

using c10::IValue;
using torch::jit::Stack;

/// The values of one run, by value id.
struct Frame {
  const Program::Body& body;
  std::vector<IValue> slots;

  IValue take(const Operand& operand) {
    switch (operand.from) {
      case Operand::From::Constant:
        return body.constants[operand.index];
      case Operand::From::Slot:
        return finish(operand, slots[operand.index]);
      case Operand::From::LastUse:
        return finish(operand, std::move(slots[operand.index]));
      case Operand::From::List:
        break;
    }
    const ListOperand& list = body.lists[operand.index];
    c10::impl::GenericList items(list.element);
    items.reserve(list.items.size());
    for (const Operand& item : list.items) {
      items.push_back(take(item));
    }
    return items;
  }

  static IValue finish(const Operand& operand, IValue value) {
    if (operand.wrap_number && !value.isTensor()) {
      return at::native::wrapped_scalar_tensor(value.toScalar());
    }
    return value;
  }

  void store(const Instruction& instruction, Stack& stack) {
    // Results lie on the stack in the order of the schema's returns; an
    // exporter may have dropped trailing ones.
    for (size_t i = 0; i < instruction.outputs.size(); ++i) {
      const ir::NodeOutput& output = instruction.outputs[i];
      if (!output.is_list) {
        if (!output.ids.empty() && output.ids.front() != ir::kNoValue) {
          slots[output.ids.front()] = std::move(stack[i]);
        }
        continue;
      }
      const std::vector<at::Tensor> items = stack[i].toTensorVector();
      check(items.size() == output.ids.size(), "list result has another size");
      for (size_t k = 0; k < items.size(); ++k) {
        if (output.ids[k] != ir::kNoValue) {
          slots[output.ids[k]] = items[k];
        }
      }
    }
    for (const ir::ValueId id : instruction.dead) {
      slots[id] = IValue();
    }
    stack.clear();
  }
};

void execute(
    const Program::Body& body,
    const Instruction& instruction,
    Stack& stack,
    const RandomKey& key,
    int64_t occurrence) {
  switch (instruction.kind) {
    case InstructionKind::Operator:
      instruction.op->callBoxed(stack);
      return;
    case InstructionKind::Builtin:
      instruction.builtin(stack);
      return;
    case InstructionKind::Generator:
      stack[instruction.generator_argument] = generator_on(
          body.device, node_seed(key, instruction.name, occurrence));
      instruction.op->callBoxed(stack);
      return;
    case InstructionKind::DefaultGenerator:
      call_seeded(
          *instruction.op,
          stack,
          body.device,
          node_seed(key, instruction.name, occurrence));
      return;
    case InstructionKind::Cond:
    case InstructionKind::WhileLoop:
    case InstructionKind::ScriptLoop:
      run_control_flow(instruction, stack, key, occurrence);
      return;
    default:
      run_random(
          instruction, stack, node_seed(key, instruction.name, occurrence));
      return;
  }
}

/// Nanoseconds from one lap to the next.
class Stopwatch {
 public:
  explicit Stopwatch(bool runs) {
    if (runs) {
      last_ = Clock::now();
    }
  }
  uint64_t lap() {
    const Clock::time_point now = Clock::now();
    const auto took = std::chrono::nanoseconds(now - last_).count();
    last_ = now;
    return static_cast<uint64_t>(took);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_;
};

[[noreturn]] void fail(
    const Program::Body& body,
    const Instruction& instruction,
    const Stack& arguments,
    const std::string& message) {
  const std::string fault =
      instruction.index.empty()
          ? ""
          : index_fault(instruction.target, arguments, instruction.index);
  throw runtime_error(
      (body.where.empty() ? "" : body.where + ": ") + "operator '" +
      instruction.target + "' (node '" + instruction.name + "'" +
      (instruction.module.empty() ? "" : " in " + instruction.module) +
      ") failed: " + first_line(message) + (fault.empty() ? "" : ": " + fault));
}

/// A run under way.
struct Run {
  const Program::Body& body;
  const RandomKey& key;
  int64_t occurrence = 0;
  std::span<uint64_t> node_ns = {};

  void instructions(Frame& frame, size_t begin, size_t end) const;
  void recomputed(Frame& frame, const RecomputedRange& range) const;
};

void Run::instructions(Frame& frame, size_t begin, size_t end) const {
  Regions regions;
  Stack stack;
  stack.reserve(16);
  Stopwatch watch(!node_ns.empty());
  for (size_t i = begin; i < end; ++i) {
    const Instruction& instruction = body.instructions[i];
    regions.set_grad(instruction.grad_enabled);
    regions.set_autocast(
        instruction.autocast < 0 ? nullptr
                                 : &body.autocasts[instruction.autocast]);
    try {
      for (const Operand& operand : instruction.operands) {
        stack.push_back(frame.take(operand));
      }
      execute(body, instruction, stack, key, occurrence);
      frame.store(instruction, stack);
      if (!node_ns.empty()) {
        node_ns[instruction.node] += watch.lap();
      }
    } catch (const c10::Error& error) {
      fail(body, instruction, stack, error.what_without_backtrace());
    } catch (const Error&) {
      throw;
    } catch (const std::logic_error&) {
      throw;
    } catch (const std::exception& error) {
      fail(body, instruction, stack, error.what());
    }
  }
}

/// What a range starts from, so that it can start again.
IValue input_again(const IValue& value, bool written) {
  if (!value.isTensor() || !value.toTensor().defined()) {
    return value;
  }
  const at::Tensor& tensor = value.toTensor();
  if (tensor.is_leaf() && (tensor.requires_grad() || !written)) {
    return value;  // a parameter, what was received, or a constant
  }
  const at::Tensor alone = written ? tensor.detach().clone() : tensor.detach();
  return alone.set_requires_grad(tensor.requires_grad());
}

void Run::recomputed(Frame& frame, const RecomputedRange& range) const {
  std::vector<IValue> inputs;
  for (const RecomputedRange::Input& input : range.inputs) {
    inputs.push_back(input_again(frame.slots[input.value], input.written));
  }
  const ForgetSaved forget([body = &body,
                            key = key,
                            occurrence = occurrence,
                            range = &range,
                            inputs = std::move(inputs)] {
    Frame again{*body, std::vector<IValue>(body->num_values)};
    for (size_t i = 0; i < inputs.size(); ++i) {
      const RecomputedRange::Input& input = range->inputs[i];
      // A leaf can't be written in place; the range has its own anyway.
      again.slots[input.value] = input.written && inputs[i].isTensor()
                                     ? inputs[i].toTensor().clone()
                                     : inputs[i];
    }
    Run{*body, key, occurrence}.instructions(again, range->begin, range->end);
  });
  instructions(frame, range.begin, range.end);
}

}  // namespace

ProgramResult run_body(
    const Program::Body& body,
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    int64_t occurrence,
    std::span<uint64_t> node_ns) {
  check(inputs.size() == body.inputs.size(), "one value for each input");
  check(states.size() == body.states.size(), "one tensor for each state");
  Frame frame{body, std::vector<IValue>(body.num_values)};
  for (size_t i = 0; i < inputs.size(); ++i) {
    frame.slots[body.inputs[i]] = std::move(inputs[i]);
  }
  for (size_t i = 0; i < states.size(); ++i) {
    frame.slots[body.states[i]] = states[i];
  }
  const Run run{body, key, occurrence, node_ns};
  size_t next = 0;
  if (c10::GradMode::is_enabled()) {
    for (const RecomputedRange& range : body.recomputed) {
      run.instructions(frame, next, range.begin);
      run.recomputed(frame, range);
      next = range.end;
    }
  }
  run.instructions(frame, next, body.instructions.size());
  ProgramResult result;
  for (const Operand& output : body.outputs) {
    result.outputs.push_back(frame.take(output));
  }
  for (const ir::ValueId id : body.mutated) {
    result.mutated.push_back(frame.slots[id].toTensor());
  }
  return result;
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

size_t Program::size() const {
  return body_->instructions.size();
}

const std::vector<uint8_t>& Program::written_inputs() const {
  return body_->written_inputs;
}

const std::vector<uint8_t>& Program::written_states() const {
  return body_->written_states;
}

}  // namespace pp
