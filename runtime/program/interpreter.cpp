#include "runtime/program/interpreter.h"

#include <chrono>
#include <stdexcept>

#include <ATen/ScalarOps.h>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "runtime/program/index_fault.h"
#include "runtime/program/regions.h"
#include "runtime/program/rules/norm_gradient.h"

namespace pp {

namespace {

using c10::IValue;
using torch::jit::Stack;

IValue wrapped_if_needed(const Operand& operand, IValue value) {
  if (operand.wrap_number && !value.isTensor()) {
    return at::native::wrapped_scalar_tensor(value.toScalar());
  }
  return value;
}

/// Measures the nanoseconds from one lap to the next.
class Stopwatch {
 public:
  explicit Stopwatch(bool is_running) {
    if (is_running) {
      last_ = Clock::now();
    }
  }
  uint64_t lap() {
    const Clock::time_point now = Clock::now();
    const auto elapsed = std::chrono::nanoseconds(now - last_).count();
    last_ = now;
    return static_cast<uint64_t>(elapsed);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_;
};

/// Checks arguments that the operator's kernel uses without checking them.
void check_arguments(
    const Program::Body& body,
    const Instruction& instruction,
    const Stack& arguments) {
  const std::string fault =
      instruction.precondition(instruction.op->schema(), arguments);
  if (!fault.empty()) {
    fail(body, instruction, arguments, "was not called", fault);
  }
}

}  // namespace

IValue Frame::take(const Operand& operand) {
  switch (operand.from) {
    case Operand::From::Constant:
      return body.constants[operand.index];
    case Operand::From::Slot:
      return wrapped_if_needed(operand, slots[operand.index]);
    case Operand::From::LastUse:
      return wrapped_if_needed(operand, std::move(slots[operand.index]));
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

void Frame::store(const Instruction& instruction, Stack& stack) {
  // The stack holds the results in the order of the schema's returns. An
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
    if (items.size() != output.ids.size()) {
      // The interpreter's loop adds the operator and the node.
      throw std::runtime_error(
          "it returned " + count_text(items.size(), "tensor", "tensors") +
          ", not " + std::to_string(output.ids.size()));
    }
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

uint64_t Run::seed_of(const Instruction& instruction) const {
  return node_seed(key, instruction.name, occurrence);
}

void Run::execute(const Instruction& instruction, Stack& stack) const {
  switch (instruction.kind) {
    case InstructionKind::Operator:
      if (instruction.is_batch_norm) {
        call_batch_norm(*instruction.op, stack);
      } else {
        instruction.op->callBoxed(stack);
      }
      return;
    case InstructionKind::Builtin:
      instruction.builtin(stack);
      return;
    case InstructionKind::Generator:
      stack[instruction.generator_argument] =
          generator_on(body.device, seed_of(instruction));
      instruction.op->callBoxed(stack);
      return;
    case InstructionKind::DefaultGenerator:
      call_seeded(*instruction.op, stack, body.device, seed_of(instruction));
      return;
    case InstructionKind::Cond:
    case InstructionKind::WhileLoop:
    case InstructionKind::ScriptIf:
    case InstructionKind::ScriptLoop:
      run_control_flow(instruction, stack, key, occurrence);
      return;
    default:
      run_random(instruction, stack, seed_of(instruction));
      return;
  }
}

void Run::instructions(Frame& frame, size_t begin, size_t end) const {
  instructions(
      frame, begin, end, [this](const Instruction& instruction, Stack& stack) {
        execute(instruction, stack);
      });
}

void Run::instructions(
    Frame& frame, size_t begin, size_t end, Execute execute) const {
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
      if (instruction.precondition != nullptr) {
        check_arguments(body, instruction, stack);
      }
      execute(instruction, stack);
      frame.store(instruction, stack);
      if (!node_ns.empty()) {
        node_ns[instruction.node] += watch.lap();
      }
    } catch (const c10::Error& error) {
      fail(body, instruction, stack, "failed", error.what_without_backtrace());
    } catch (const Error&) {
      throw;
    } catch (const std::logic_error&) {
      throw;
    } catch (const std::exception& error) {
      fail(body, instruction, stack, "failed", error.what());
    }
  }
}

void fail(
    const Program::Body& body,
    const Instruction& instruction,
    const Stack& arguments,
    const std::string& during,
    const std::string& message) {
  const std::string fault =
      instruction.index_name.empty()
          ? ""
          : index_fault(instruction.target, arguments, instruction.index_name);
  throw runtime_error(
      (body.where.empty() ? "" : body.where + ": ") + "operator '" +
      instruction.target + "' (node '" + instruction.name + "'" +
      (instruction.module.empty() ? "" : " in " + instruction.module) + ") " +
      during + ": " + (fault.empty() ? first_line(message) : fault));
}

}  // namespace pp
