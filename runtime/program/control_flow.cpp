// cond, while_loop and TorchScript's If and Loop: sub-graphs run by the same
// interpreter. Their captured values are ordinary operands, so a block has
// inputs only and no states.
#include <algorithm>

#include "loader/core/error.h"
#include "runtime/program/body.h"

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

/// A list-valued result is spread over one node output with many values.
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

/// Number of a turn, also among those of the loop around: each draws its own
/// random numbers.
int64_t inner_occurrence(int64_t outer, int64_t turn) {
  constexpr int64_t kStride = int64_t{1} << 20;
  return static_cast<int64_t>(
      static_cast<uint64_t>(outer) * kStride + static_cast<uint64_t>(turn));
}

/// Operands: number of turns, condition, carried values, values only read. The
/// body takes the turn in place of the first two and gives the condition first.
void run_script_loop(
    const Instruction& instruction,
    Stack& stack,
    const RandomKey& key,
    int64_t outer) {
  const Program::Body& body = *instruction.blocks[0];
  const int64_t most = stack[0].toInt();
  bool go_on = truth(stack[1]);
  std::vector<IValue> values = operands_from(stack, 1);
  for (int64_t turn = 0; go_on && turn < most; ++turn) {
    values[0] = turn;
    ProgramResult next =
        run_body(body, values, {}, key, inner_occurrence(outer, turn));
    go_on = truth(next.outputs[0]);
    std::move(next.outputs.begin() + 1, next.outputs.end(), values.begin() + 1);
  }
  const auto first = values.begin() + 1;
  const auto last =
      first + static_cast<std::ptrdiff_t>(instruction.outputs.size());
  push_results(instruction, stack, std::vector<IValue>(first, last));
}

}  // namespace

void run_control_flow(
    const Instruction& instruction,
    Stack& stack,
    const RandomKey& key,
    int64_t outer) {
  if (instruction.kind == InstructionKind::Cond) {
    const Program::Body& block = *instruction.blocks[truth(stack[0]) ? 0 : 1];
    ProgramResult result =
        run_body(block, operands_from(stack, 1), {}, key, outer);
    push_results(instruction, stack, std::move(result.outputs));
    return;
  }
  if (instruction.kind == InstructionKind::ScriptLoop) {
    run_script_loop(instruction, stack, key, outer);
    return;
  }
  // The carried values come first, then those the blocks only read.
  const Program::Body& condition = *instruction.blocks[0];
  const Program::Body& step = *instruction.blocks[1];
  std::vector<IValue> values = operands_from(stack, 0);
  for (int64_t turn = 0;; ++turn) {
    const int64_t occurrence = inner_occurrence(outer, turn);
    const ProgramResult go = run_body(condition, values, {}, key, occurrence);
    check(!go.outputs.empty(), "the loop's condition has an output");
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
  push_results(instruction, stack, std::move(values));
}

}  // namespace pp
