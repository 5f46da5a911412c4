// cond, while_loop and TorchScript's If and Loop. The interpreter runs their
// sub-graphs like any other. Captured values are ordinary operands, so a block
// has inputs but no states.
#include <algorithm>

#include "loader/core/error.h"
#include "runtime/program/body.h"
#include "runtime/program/keyed_random.h"
#include "runtime/program/operand_gradients.h"

namespace pp {

namespace {

using c10::IValue;
using torch::jit::Stack;

bool truth(const IValue& value) {
  return value.isTensor() ? value.toTensor().item().toBool() : value.toBool();
}

std::vector<IValue> operands_from(const Stack& stack, size_t first) {
  return {stack.begin() + static_cast<std::ptrdiff_t>(first), stack.end()};
}

/// Pushes the results of a block. If the node has one output with many values,
/// they become a list.
void push_results(
    const Instruction& instruction, Stack& stack, std::vector<IValue> results) {
  stack.clear();
  if (instruction.outputs.size() == 1 && instruction.outputs[0].is_list) {
    c10::List<at::Tensor> tensors;
    for (IValue& result : results) {
      tensors.push_back(result.toTensor());
    }
    stack.emplace_back(std::move(tensors));
    return;
  }
  for (IValue& result : results) {
    stack.push_back(std::move(result));
  }
}

/// Numbers an iteration uniquely, even across iterations of a surrounding loop,
/// because each iteration draws its own random numbers.
int64_t inner_occurrence(int64_t outer, int64_t turn) {
  constexpr int64_t kStride = int64_t{1} << 20;
  return static_cast<int64_t>(
      static_cast<uint64_t>(outer) * kStride + static_cast<uint64_t>(turn));
}

/// Runs TorchScript's Loop. Its operands are the number of iterations, the
/// condition, carried values, and values that are only read. The body receives
/// the iteration's number in place of the first two, and returns the next
/// condition first.
void run_script_loop(
    const Instruction& instruction,
    Stack& stack,
    const RandomKey& key,
    int64_t outer) {
  const Program::Body& body = *instruction.blocks[0];
  const int64_t max_turns = stack[0].toInt();
  bool continues = truth(stack[1]);
  std::vector<IValue> values = operands_from(stack, 1);
  for (int64_t turn = 0; continues && turn < max_turns; ++turn) {
    values[0] = turn;
    ProgramResult next =
        run_body(body, values, {}, key, inner_occurrence(outer, turn));
    continues = truth(next.outputs[0]);
    std::move(next.outputs.begin() + 1, next.outputs.end(), values.begin() + 1);
  }
  const auto first = values.begin() + 1;
  const auto last =
      first + static_cast<std::ptrdiff_t>(instruction.outputs.size());
  push_results(instruction, stack, std::vector<IValue>(first, last));
}

/// Runs TorchScript's If or torch.cond, without the gradients that the latter
/// gives to operands of the other branch.
std::vector<IValue> run_branch(
    const Instruction& instruction,
    bool condition,
    std::vector<IValue> operands,
    const RandomKey& key,
    int64_t outer) {
  const Program::Body& block = *instruction.blocks[condition ? 0 : 1];
  return run_body(block, std::move(operands), {}, key, outer).outputs;
}

/// Runs while_loop. Its operands are the carried values, then those that the
/// blocks only read. Returns the carried values.
std::vector<IValue> run_while_loop(
    const Instruction& instruction,
    std::vector<IValue> values,
    const RandomKey& key,
    int64_t outer) {
  const Program::Body& condition = *instruction.blocks[0];
  const Program::Body& step = *instruction.blocks[1];
  for (int64_t turn = 0;; ++turn) {
    const int64_t occurrence = inner_occurrence(outer, turn);
    const ProgramResult go = run_body(condition, values, {}, key, occurrence);
    check(!go.outputs.empty(), "the loop's condition must have an output");
    if (!truth(go.outputs[0])) {
      break;
    }
    ProgramResult next = run_body(step, values, {}, key, occurrence);
    std::ranges::move(next.outputs, values.begin());
  }
  size_t num_carried = 0;
  for (const ir::NodeOutput& output : instruction.outputs) {
    num_carried += output.is_list ? output.ids.size() : 1;
  }
  values.resize(num_carried);
  return values;
}

}  // namespace

void run_control_flow(
    const Instruction& instruction,
    Stack& stack,
    const RandomKey& key,
    int64_t outer) {
  if (instruction.kind == InstructionKind::ScriptLoop) {
    run_script_loop(instruction, stack, key, outer);
    return;
  }
  if (instruction.kind == InstructionKind::ScriptIf) {
    push_results(
        instruction,
        stack,
        run_branch(
            instruction, truth(stack[0]), operands_from(stack, 1), key, outer));
    return;
  }
  const bool is_loop = instruction.kind == InstructionKind::WhileLoop;
  std::vector<IValue> operands = operands_from(stack, is_loop ? 0 : 1);
  OperandGradients gradients(operands);
  // In an export, names are unique in each sub-graph; in a script, in all.
  const int64_t inside = occurrence_in(instruction.name, outer);
  std::vector<IValue> results =
      is_loop
          ? run_while_loop(instruction, std::move(operands), key, inside)
          : run_branch(
                instruction, truth(stack[0]), std::move(operands), key, inside);
  gradients.join(results);
  push_results(instruction, stack, std::move(results));
}

}  // namespace pp
