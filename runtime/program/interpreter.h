#pragma once

// Runs the instructions of a body. Internal to runtime/program/.

#include <span>
#include <string>
#include <vector>

#include <ATen/core/stack.h>
#include <c10/util/FunctionRef.h>

#include "runtime/program/body.h"

namespace pp {

/// The values of one run, by value id.
struct Frame {
  const Program::Body& body;
  std::vector<c10::IValue> slots;

  explicit Frame(const Program::Body& of) : body(of), slots(of.num_values) {}

  /// The value of an operand; out of its slot, if this is its last use.
  c10::IValue take(const Operand& operand);
  /// Puts an instruction's results into their slots; empties the stack.
  void store(const Instruction& instruction, torch::jit::Stack& stack);
};

/// A run under way.
struct Run {
  /// Turns an instruction's arguments on the stack into its results.
  using Execute =
      c10::function_ref<void(const Instruction&, torch::jit::Stack&)>;

  const Program::Body& body;
  const RandomKey& key;
  int64_t occurrence = 0;
  /// What each node took is added here, by position in the graph.
  std::span<uint64_t> node_ns = {};

  /// Instructions [begin, end), each in its grad mode and autocast.
  void instructions(Frame& frame, size_t begin, size_t end) const;
  /// The same, where `execute` does the work of each.
  void instructions(
      Frame& frame, size_t begin, size_t end, Execute execute) const;
  void execute(const Instruction& instruction, torch::jit::Stack& stack) const;
  uint64_t seed_of(const Instruction& instruction) const;
};

/// What an instruction threw, as an error that names it.
///
/// during  "failed", "failed in its backward"
[[noreturn]] void fail(
    const Program::Body& body,
    const Instruction& instruction,
    const torch::jit::Stack& arguments,
    const std::string& during,
    const std::string& message);

}  // namespace pp
