#pragma once

// How a tape is recorded. Internal to runtime/program/.

#include <memory>
#include <vector>

#include <torch/csrc/autograd/edge.h>

#include "runtime/program/body.h"
#include "runtime/program/graph_leaf.h"
#include "runtime/program/interpreter.h"
#include "runtime/program/rules/rule.h"
#include "runtime/program/split_backward.h"
#include "runtime/program/tape.h"

namespace pp {

// Flags of a value in a recorded run.
constexpr uint8_t kNeedsGradient = 1;
/// The value depends on an input that needs a gradient, not just on parameters.
constexpr uint8_t kOnPath = 2;

/// The autograd graph of a stretch of the program.
struct Island {
  struct Leaf {
    ir::ValueId value;
    GraphLeaf graph;
  };
  struct Root {
    ir::ValueId value;
    torch::autograd::Edge edge;
  };
  std::vector<Leaf> leaves;
  std::vector<Root> roots;
  DeferredWeights deferred;
  // The stretch, for messages.
  const Instruction* first = nullptr;
  const Instruction* last = nullptr;
};

struct Entry;

/// A stretch that is recomputed: it keeps only its inputs until then.
struct Repeat {
  const Segment* segment = nullptr;
  std::vector<c10::IValue> inputs;
  std::vector<Entry> entries;
  bool is_done = false;
};

/// A step of the backward: a call with a rule, an island or a repeat.
struct Entry {
  const Instruction* instruction = nullptr;
  const Rule* rule = nullptr;
  Kept kept;
  bool on_path = false;
  /// Gradients of the results, which the input half keeps for the weight half.
  std::vector<at::Tensor> gradients;
  std::unique_ptr<Island> island;
  std::unique_ptr<Repeat> repeat;
};

struct Tape::Recording {
  const Program::Body& body;
  RandomKey key;
  std::vector<at::Tensor> states;
  std::vector<uint8_t> flags;         ///< by value
  std::vector<at::Tensor> gradients;  ///< by value
  std::vector<Entry> entries;

  Recording(
      const Program::Body& program_body,
      const RandomKey& run_key,
      std::span<const at::Tensor> run_states);

  /// Whether the value is a parameter with one reader, to whose gradient that
  /// reader may add directly.
  bool accumulates_directly(ir::ValueId id) const {
    return body.state_of[id] >= 0 && body.has_one_reader[id] != 0;
  }
};

/// Runs a program and records its tape.
class Recorder {
 public:
  explicit Recorder(Tape::Recording& recording);

  void run(Frame& frame);
  /// Runs some segments and appends their entries to a separate list.
  void run(
      const std::vector<Segment>& segments,
      Frame& frame,
      std::vector<Entry>& entries);

 private:
  void run_straight(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void run_island(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void run_repeated(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void execute(
      const Instruction& instruction,
      torch::jit::Stack& stack,
      std::vector<Entry>& entries);
  void execute_alone(
      const Instruction& instruction, torch::jit::Stack& stack, Island& island);

  Tape::Recording& recording_;
  Run run_;
  std::vector<uint8_t> wanted_;  ///< by input of the instruction: its flags
};

}  // namespace pp
