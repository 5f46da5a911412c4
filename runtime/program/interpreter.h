#pragma once

// Runs the instructions of a body. Internal to runtime/program/.

#include <span>
#include <string>
#include <vector>

#include <ATen/core/stack.h>
#include <c10/util/FunctionRef.h>

#include "runtime/program/body.h"

namespace pp {

/// The values of one run, by value ID.
struct Frame {
  const Program::Body& body;
  std::vector<c10::IValue> slots;

  explicit Frame(const Program::Body& of) : body(of), slots(of.num_values) {}

  /// Returns an operand's value. The last use of a value moves it out of its
  /// slot.
  c10::IValue take(const Operand& operand);
  /// Moves an instruction's results from the stack to their slots.
  void store(const Instruction& instruction, torch::jit::Stack& stack);
};

/// One run of a body.
struct Run {
  /// Turns an instruction's arguments on the stack into its results.
  using Execute =
      c10::function_ref<void(const Instruction&, torch::jit::Stack&)>;

  const Program::Body& body;
  const RandomKey& key;
  int64_t occurrence = 0;
  /// One entry per node of the graph, to which the node's time in nanoseconds
  /// is added; empty: nothing is timed.
  std::span<uint64_t> node_ns = {};

  /// Runs instructions [begin, end), each in its grad mode and autocast state.
  void instructions(Frame& frame, size_t begin, size_t end) const;
  /// Like the other overload, but calls `execute` for each instruction.
  void instructions(
      Frame& frame, size_t begin, size_t end, Execute execute) const;
  void execute(const Instruction& instruction, torch::jit::Stack& stack) const;
  uint64_t seed_of(const Instruction& instruction) const;
};

/// Throws Error(Runtime), whose message names the instruction that failed.
///
/// during   the verb of the message: "failed", "failed in its backward"
/// message  the message of the exception that the instruction threw
[[noreturn]] void fail(
    const Program::Body& body,
    const Instruction& instruction,
    const torch::jit::Stack& arguments,
    const std::string& during,
    const std::string& message);

}  // namespace pp
